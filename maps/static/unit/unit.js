// The life of a unit: codes, names, parents and borders of each time, where its ground came from and where it went.
import { get } from "../door.js";
import { count, stamp } from "../format.js";
import { at, el } from "../wall/dom.js";
import { readNetworks } from "../wall/ground.js";
import { loadWords, t } from "../words.js";
import { showVersion, startMap } from "./map.js";
import "../session.js";

const PLAIN = new Set(["precision", "path"]);
const id = document.body.dataset.unit;
const knownAt = new URLSearchParams(location.search).get("known_at");
const knowing = knownAt ? `?${new URLSearchParams({ known_at: knownAt })}` : "";
let life = null;
let network = null;

async function start() {
  await loadWords();
  try {
    const [read, borders, networks] = await Promise.all([get(`/v1/unit-lives/${id}${knowing}`), get(`/v1/unit-lives/${id}/borders${knowing}`), readNetworks()]);
    life = read;
    network = networks.find((each) => each.code === life.network);
    showName();
    showTimes();
    showKin();
    await startMap(network, life, borders);
    choose(chosenNow());
  } catch (problem) {
    at("trouble").hidden = false;
    at("trouble").textContent = problem?.status === 404 ? t("life.none") : t("failed", { what: problem.message });
  }
}

/** The version that holds now; undefined for a unit that has ended or is still to come. */
function standing() {
  const now = Date.parse(life.at);
  return life.chapters.find((each) => (each.valid_from === null || Date.parse(each.valid_from) <= now) && (each.valid_until === null || Date.parse(each.valid_until) > now));
}

function chosenNow() {
  const asked = Number(new URLSearchParams(location.search).get("version"));
  return life.chapters.find((each) => each.version_id === asked) ?? standing() ?? life.chapters.at(-1);
}

const levelName = (code) => network?.levels.find((each) => each.code === code)?.name ?? code;
const since = (each) => (each.valid_from ? stamp(each.valid_from) : t("planner.history.ever"));
const until = (each) => (each.valid_until ? stamp(each.valid_until) : t("planner.life.now"));
const hectares = (m2) => `${(m2 / 10_000).toFixed(2)}`;
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 0)}${t("unit.percent")}`;
const linkTo = (unit) => el("a", { href: `/units/${unit.unit_id}` }, unit.name || unit.code);

function showName() {
  const here = standing();
  const shown = here ?? life.chapters.at(-1);
  document.title = `${shown.name} · ${t("life.title")}`;
  at("name").textContent = shown.name || shown.code;
  const state = stateOf(here, shown);
  at("called").textContent = [shown.code, `${network?.name ?? life.network} · ${levelName(shown.level)}`, t(`life.origin.${life.origin}`), state, ...(life.known_at ? [t("life.known", { at: stamp(life.known_at) })] : [])].join(" · ");
  at("crumbs").replaceChildren(...[...shown.above, { unit_id: id, name: shown.name }].map((each, place, all) => el("li", {}, place === all.length - 1 ? el("span", { "aria-current": "page" }, each.name) : linkTo(each))));
  const query = new URLSearchParams({ network: life.network, view: "history", unit: id });
  const wall = new URLSearchParams({ network: life.network, unit: shown.code, level: shown.level });
  at("links").replaceChildren(el("a", { href: `/planner?${query}` }, t("life.to.history")), ...(here ? [el("a", { href: `/wall?${wall}` }, t("life.to.wall"))] : []));
}

function stateOf(here, shown) {
  const born = life.chapters[0].valid_from;
  if (here) return born ? t("life.stands", { at: stamp(born) }) : t("life.stands.ever");
  return Date.parse(shown.valid_from) > Date.parse(life.at) ? t("life.coming", { at: since(shown) }) : t("life.ended", { at: until(shown) });
}

const COLUMNS = ["period", "edition", "called", "above", "households", "hectares", "changes"];

function showTimes() {
  const rows = life.chapters.map(rowOf).reverse();
  at("times").replaceChildren(
    el(
      "table",
      {},
      el("caption", { class: "muted small" }, t("life.times.how")),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span", { class: "sr" }, t("life.look"))), ...COLUMNS.map((key) => el("th", { scope: "col", class: /households|hectares/.test(key) ? "right" : null }, t(`life.${key}`))))),
      el("tbody", {}, ...rows),
    ),
  );
}

function rowOf(each) {
  const box = el("input", { type: "radio", name: "version", id: `version-${each.version_id}`, value: each.version_id, "aria-label": `${t("life.look")} ${since(each)}`, onchange: () => choose(each, { note: true }) });
  const cell = (key, ...what) => el("td", { "data-label": t(`life.${key}`), class: /households|hectares/.test(key) ? "number right" : null }, ...what);
  const edition = new URLSearchParams({ network: life.network, view: "history", edition: each.edition, unit: id });
  const kinds = each.change_kinds.filter((kind) => !PLAIN.has(kind));
  const plan = each.plan ? el("a", { class: "small", href: `/planner?${new URLSearchParams({ network: life.network, plan: each.plan.id })}` }, each.plan.name) : null;
  return el(
    "tr",
    { "data-version": each.version_id },
    el("td", {}, box),
    el("th", { scope: "row", class: "number" }, el("label", { for: `version-${each.version_id}` }, since(each), el("span", { class: "muted" }, ` – ${until(each)}`))),
    cell("edition", el("a", { class: "number", href: `/planner?${edition}` }, t("planner.history.edition", { seq: each.edition })), plan ? " " : null, plan),
    cell("called", each.name, each.name === each.code ? null : el("span", { class: "muted small number code" }, each.code)),
    cell("above", each.above.length ? linkTo(each.above.at(-1)) : "–"),
    cell("households", each.households === null ? "–" : count(each.households)),
    cell("hectares", hectares(each.area_m2)),
    cell("changes", ...(kinds.length ? kinds.map((kind) => el("span", { class: "chip", "data-kind": kind }, t(`planner.kind.${kind}`))) : ["–"])),
  );
}

function choose(each, { note = false } = {}) {
  for (const row of at("times").querySelectorAll("tr[data-version]")) {
    const on = Number(row.dataset.version) === each.version_id;
    row.setAttribute("aria-selected", String(on));
    row.querySelector("input").checked = on;
  }
  if (note) history.replaceState(null, "", `${location.pathname}?${new URLSearchParams({ version: each.version_id, ...(knownAt ? { known_at: knownAt } : {}) })}`);
  const today = standing();
  const legend = [["then", t("life.legend.then", { since: since(each), until: until(each) })]];
  if (today && today.version_id !== each.version_id) legend.push(["today", t("life.legend.today")]);
  legend.push(["around", t("life.legend.around", { level: levelName(each.level) })]);
  at("legend").replaceChildren(...legend.map(([mark, text]) => el("li", {}, el("span", { class: "swatch", "data-mark": mark, "aria-hidden": "true" }), text)));
  showVersion(each, today);
}

const SIDES = ["came_from", "went_to"];

function showKin() {
  const tables = SIDES.map((side) => kinTable(side)).filter(Boolean);
  at("kin").replaceChildren(...(tables.length ? tables : [el("p", { class: "muted" }, t("life.kin.none"))]));
}

function kinTable(side) {
  const rows = life.chapters.flatMap((each) => each[side].map((kin) => [each, kin])).reverse();
  if (rows.length === 0) return null;
  const heads = ["when", "unit", "how", "area_share", "households_share", "hectares"];
  const right = (key) => (/share|hectares/.test(key) ? "number right" : null);
  const cell = (key, ...what) => el("td", { "data-label": t(`life.${key}`), class: right(key) }, ...what);
  return el(
    "table",
    {},
    el("caption", {}, t(`life.${side}`)),
    el("thead", {}, el("tr", {}, ...heads.map((key) => el("th", { scope: "col", class: right(key) }, t(`life.${key}`))))),
    el(
      "tbody",
      {},
      ...rows.map(([each, kin]) =>
        el(
          "tr",
          {},
          el("th", { scope: "row", class: "number" }, side === "came_from" ? since(each) : until(each)),
          cell("unit", linkTo(kin), kin.name === kin.code ? null : el("span", { class: "muted small number code" }, kin.code)),
          cell("how", t(`planner.lineage.${kin.kind}`)),
          cell("area_share", percent(kin.area_share)),
          cell("households_share", percent(kin.households_share)),
          cell("hectares", hectares(kin.area_m2)),
        ),
      ),
    ),
  );
}

start();
