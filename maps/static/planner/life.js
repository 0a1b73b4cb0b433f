// The life of one unit: its codes, names and borders of each time, where its ground came from and where it went.
import { get } from "../door.js";
import { at, el } from "../wall/dom.js";
import { count, stamp } from "../format.js";
import { t } from "../words.js";
import { button } from "./forms.js";
import { trying } from "./message.js";
import { go, now, onChange } from "./state.js";

export function startLife() {
  onChange((state, before) => state.unit !== before.unit && showLife());
}

export function showLife() {
  const unit = now().unit;
  if (!unit) {
    at("life").replaceChildren();
    return Promise.resolve();
  }
  return trying(async () => {
    const { chapters } = await get(`/v1/unit-lives/${encodeURIComponent(unit)}`);
    if (now().unit !== unit) return;
    const last = chapters.at(-1);
    at("life").replaceChildren(
      el("div", { class: "title" }, el("h2", {}, t("planner.life.title", { name: last.name })), el("a", { class: "small", href: `/units/${unit}` }, t("planner.life.page")), button(t("planner.close"), () => go({ unit: null }), { class: "plain" })),
      el("ol", { class: "life" }, ...chapters.map(chapterOf).reverse()),
    );
  });
}

function chapterOf(each) {
  const until = each.valid_until ? stamp(each.valid_until) : t("planner.life.now");
  const since = each.valid_from ? stamp(each.valid_from) : t("planner.history.ever");
  return el(
    "li",
    {},
    el("div", { class: "title" }, el("strong", {}, each.name), el("span", { class: "number muted" }, each.code)),
    el("p", { class: "number small" }, `${since} – ${until} · ${t("planner.history.edition", { seq: each.edition })}`),
    el("p", { class: "muted small number" }, `${each.households === null ? "–" : count(each.households)} ${t("planner.households")} · ${(each.area_m2 / 10_000).toFixed(2)} ${t("planner.ha")}`),
    el("p", {}, ...each.change_kinds.map((kind) => el("span", { class: "chip", "data-kind": kind }, t(`planner.kind.${kind}`)))),
    kinOf("planner.life.from", each.came_from),
    kinOf("planner.life.to", each.went_to),
  );
}

function kinOf(title, those) {
  if (those.length === 0) return null;
  const percent = (share) => `${(100 * share).toFixed(0)}${t("unit.percent")}`;
  return el(
    "div",
    {},
    el("p", { class: "muted small" }, t(title)),
    el(
      "ul",
      { class: "kin" },
      ...those.map((kin) => el("li", {}, button(kin.name, () => go({ unit: kin.unit_id }), { class: "plain name" }), el("span", { class: "muted small number" }, `${kin.code} · ${t(`planner.lineage.${kin.kind}`)} · ${t("planner.life.shares", { area: percent(kin.area_share), households: percent(kin.households_share) })}`))),
    ),
  );
}
