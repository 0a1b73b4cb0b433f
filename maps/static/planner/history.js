// The editions: a slider over them, what each changed on the map and as a table, and the life of one unit.
import { get, send } from "../door.js";
import { at, el } from "../wall/dom.js";
import { count, stamp } from "../format.js";
import { t } from "../words.js";
import { button } from "./forms.js";
import { changes, fit, fitBox, map, readFeatures, restoreView, showPublished } from "./ground.js";
import { say, trying } from "./message.js";
import { networkOf } from "./plans.js";
import { go, note, now } from "./state.js";

let editions = [];
let shown = null;

export async function showHistory() {
  const code = now().network;
  const read = (await get(`/v1/editions?network=${encodeURIComponent(code)}`)).editions;
  editions = read.filter((each) => !each.taken_back_at).reverse();
  if (editions.length === 0) {
    at("history").replaceChildren(el("h2", {}, t("planner.history.title")), el("p", { class: "muted" }, t("planner.history.none")));
    return;
  }
  const wanted = editions.findIndex((each) => String(each.seq) === now().edition);
  const first = wanted < 0 ? editions.length - 1 : wanted;
  const slider = el("input", { type: "range", id: "slider", min: 0, max: editions.length - 1, step: 1, value: first, list: "edition-marks" });
  slider.addEventListener("input", () => trying(() => showEdition(Number(slider.value))));
  at("history").replaceChildren(
    el("h2", {}, t("planner.history.title")),
    el("label", { for: "slider", class: "muted" }, t("planner.history.slider")),
    slider,
    el("datalist", { id: "edition-marks" }, ...editions.map((_, place) => el("option", { value: place }))),
    el("div", { id: "edition" }),
    el("div", { id: "edition-changes", class: "scroll", tabindex: "0", role: "region", "aria-label": t("planner.history.changes") }),
  );
  const box = networkOf(code).bbox;
  if (!restoreView() && box) fitBox(box);
  await showEdition(first);
}

async function showEdition(place) {
  const edition = editions[place];
  const code = now().network;
  note({ edition: String(edition.seq) });
  const since = edition.effective_from ? stamp(edition.effective_from) : t("planner.history.ever");
  at("slider").setAttribute("aria-valuetext", `${t("planner.history.edition", { seq: edition.seq })}, ${since}`);
  at("edition").replaceChildren(headOf(edition, since), ...(place < editions.length - 1 && document.body.dataset.plansAll === "yes" ? [restoreButton(edition)] : []));
  await showPublished(networkOf(code), edition.id);
  shown = edition.seq;
  const read = await get(`/v1/editions/${encodeURIComponent(code)}/${edition.seq}/changes`);
  if (shown !== edition.seq) return;
  const source = changes.getSource();
  source.clear(true);
  const above = new Set(networkOf(code).levels.map((level) => level.parent));
  for (const each of read.features) each.properties.follows = isQuiet(each.properties, above);
  source.addFeatures(readFeatures(read));
  const listed = read.features.filter((each) => each.properties.part === "unit");
  showChanges([...listed.filter((each) => !each.properties.follows), ...listed.filter((each) => each.properties.follows)], edition);
}

/** Nodes alone, or a border that follows from those of the units below. */
function isQuiet({ level, kinds }, above) {
  return kinds.every((kind) => QUIET.has(kind)) || (above.has(level) && !kinds.some((kind) => TOLD_ABOVE.has(kind)));
}

function headOf(edition, since) {
  const sum = Object.values(edition.counts).reduce((total, each) => total + each, 0);
  return el(
    "dl",
    { class: "totals" },
    ...[
      [t("planner.history.number"), String(edition.seq)],
      [t("planner.history.since"), since],
      [t("planner.history.units"), count(sum)],
      [t("planner.history.by"), `${edition.published_by} · ${stamp(edition.published_at)}`],
      ["sha256", edition.sha256.slice(0, 16)],
    ].map(([label, value]) => el("div", {}, el("dt", {}, label), el("dd", { class: "number" }, value))),
  );
}

function restoreButton(edition) {
  return button(t("planner.history.restore", { seq: edition.seq }), () =>
    trying(async () => {
      const name = t("planner.history.restore.name", { seq: edition.seq });
      const made = await send(`/v1/editions/${encodeURIComponent(now().network)}/${edition.seq}/restore`, { name });
      say(t("planner.history.restored"));
      go({ plan: String(made.id), view: null, edition: null, unit: null });
    }),
  );
}

/** A unit above others is drawn for these alone: its border follows from theirs. */
const TOLD_ABOVE = new Set(["born", "revived", "gone", "rename", "recode"]);
const NAMED = new Set(["rename", "recode"]);
const QUIET = new Set(["precision", "path"]);

function showChanges(features, edition) {
  const told = features.filter((each) => each.properties.kinds.some((kind) => !QUIET.has(kind)));
  const body = told.map((each) => {
    const unit = each.properties;
    const look = () => {
      const [feature] = readFeatures({ type: "FeatureCollection", features: [each] });
      fit(feature.getGeometry().getExtent(), { padding: 96 });
      go({ unit: unit.unit_id });
    };
    const before = unit.was_name !== null && unit.kinds.some((kind) => NAMED.has(kind)) ? el("span", { class: "muted small" }, t("planner.history.was", { was: unit.was_code === unit.code ? unit.was_name : unit.was_name === unit.name ? unit.was_code : `${unit.was_code} ${unit.was_name}` })) : null;
    return el(
      "tr",
      {},
      el("td", {}, el("button", { type: "button", class: "plain name", onclick: look }, unit.name), el("span", { class: "muted small number" }, unit.code), before),
      el("td", {}, ...unit.kinds.filter((kind) => !QUIET.has(kind)).map((kind) => el("span", { class: "chip", "data-kind": kind }, t(`planner.kind.${kind}`))), unit.follows ? el("span", { class: "muted small" }, ` ${t("planner.history.follows")}`) : ""),
    );
  });
  at("edition-changes").replaceChildren(
    told.length
      ? el("table", { class: "changes" }, el("caption", {}, t("planner.history.caption", { n: count(told.length) })), el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("planner.compare.unit")), el("th", { scope: "col" }, t("planner.history.what")))), el("tbody", {}, ...body))
      : el("p", { class: "muted" }, t(edition.seq === 1 ? "planner.history.first" : "planner.history.same")),
  );
}

export function startHistory() {
  map.on("click", (event) => {
    if (now().view !== "history") return;
    const met = map.getFeaturesAtPixel(event.pixel, { hitTolerance: 2 });
    const unit = met.map((each) => each.get("unit_id") ?? each.getId()).find(Boolean);
    if (unit) go({ unit });
  });
}
