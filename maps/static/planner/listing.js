// The units of a plan as a table, page by page from the service: whatever the map has loaded, every unit is found here.
import { get } from "../door.js";
import { el } from "../wall/dom.js";
import { count } from "../format.js";
import { t } from "../words.js";
import { choose, chooseAbove, chooseFar, chosenIds, toggle } from "./choose.js";
import { levelName } from "./find.js";
import { button, select } from "./forms.js";
import { fitBox } from "./ground.js";
import { trying } from "./message.js";
import { networkOf } from "./plans.js";
import { toggleUpper, upperUnits } from "./upper.js";
import { current } from "./work.js";

const PAGE = 100;
const PAUSE_MS = 180;
const HEADS = ["choose", "unit", "households", "hectares"];

let part = null; // made once: a search that is being typed, and how far somebody has scrolled, stay
let read = { key: "", units: [], next: null, total: 0 };
let asking = 0;
let timer = 0;

/** The table; asked for anew when the plan has changed. */
export function showUnits() {
  if (part?.plan !== current().id) part = make();
  trying(refresh);
  return part.whole;
}

function make() {
  const search = el("input", { type: "search", id: "unit-search", maxlength: 64, autocomplete: "off", "aria-label": t("planner.units.search"), placeholder: t("planner.units.search") });
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => trying(refresh), PAUSE_MS);
  });
  const level = levelSelect();
  const body = el("tbody");
  const state = el("p", { class: "muted small number", id: "units-state", role: "status" });
  const more = button(t("planner.units.next", { n: PAGE }), () => trying(() => readPage(read.units.length)), { id: "units-next", hidden: true });
  const heads = HEADS.map((key) => el("th", { scope: "col", class: /households|hectares/.test(key) ? "right" : null }, key === "choose" ? el("span", { class: "sr" }, t("planner.units.choose")) : t(`planner.units.${key}`)));
  const table = el("table", { class: "units" }, el("caption", { class: "sr" }, t("planner.units.caption")), el("thead", {}, el("tr", {}, ...heads)), body);
  return { plan: current().id, search, level, body, state, more, table, whole: el("div", {}, search, level, state, table, more) };
}

/** The lowest units, or all of one level. */
function levelSelect() {
  const { network } = current();
  const levels = networkOf(network).levels.map((each) => [each.code, levelName(network, each.code)]);
  const made = select("level", [["", t("planner.units.lowest")], ...levels]);
  made.id = "units-level";
  made.setAttribute("aria-label", t("planner.units.level"));
  made.addEventListener("change", () => trying(refresh));
  return made;
}

function keyNow() {
  const plan = current();
  return JSON.stringify([plan.id, plan.base_edition_id, plan.operations.map((each) => [each.seq, each.undone, each.at]), part.search.value.trim(), part.level.value]);
}

const refresh = () => (read.key === keyNow() ? undefined : readPage(0));

async function readPage(after) {
  const mine = ++asking;
  const key = keyNow();
  const query = new URLSearchParams({ search: part.search.value.trim(), after, limit: PAGE, ...(part.level.value ? { level: part.level.value, which: "all" } : {}) });
  const answer = await get(`/v1/plans/${current().id}/units?${query}`);
  if (mine !== asking || current() === null) return;
  read = { key, total: answer.total, next: answer.next, units: after ? [...read.units, ...answer.units] : answer.units };
  part.body.replaceChildren(...read.units.map(rowOf));
  part.more.hidden = read.next === null;
  part.table.hidden = read.units.length === 0;
  part.state.textContent = stateNow();
  markRows();
}

function stateNow() {
  const text = part.search.value.trim();
  if (read.total === 0) return text ? t("planner.find.none", { text }) : t("planner.units.none");
  return t(read.next === null ? "planner.units.all" : "planner.units.part", { n: count(read.units.length), total: count(read.total) });
}

function rowOf(unit) {
  const { unit_id: id, change } = unit;
  const box = el("input", { type: "checkbox", "aria-label": `${t("planner.units.choose")} ${unit.code}`, onchange: () => trying(() => tick(unit)) });
  const name = el("button", { type: "button", class: "plain name", onclick: () => trying(() => lookAt(unit)) }, unit.name);
  const chip = change === "changed" || change === "born" ? el("span", { class: "chip", "data-change": change }, t(`planner.change.${change}`)) : null;
  return el(
    "tr",
    { "data-unit": id, "data-change": change },
    el("td", {}, box),
    el("td", {}, name, chip, el("span", { class: "muted small number" }, unit.name === unit.code ? "" : unit.code)),
    el("td", { class: "number right" }, unit.households === null ? "–" : count(unit.households)),
    el("td", { class: "number right" }, unit.area_m2 === null ? "–" : (unit.area_m2 / 10_000).toFixed(2)),
  );
}

/** Choose one more or one less; drawn units and those above them are not chosen together. */
async function tick(unit) {
  if (unit.lowest) return toggle(unit.unit_id);
  if (chosenIds().length) choose([]);
  toggleUpper(unit);
}

/** Go to a unit of the plan and choose it. */
export async function lookAt(unit) {
  if (unit.lowest) await chooseFar([unit.unit_id]);
  else chooseAbove([unit]);
  if (unit.bbox) fitBox(unit.bbox, { padding: 96 });
}

export function markRows() {
  const ids = new Set([...chosenIds(), ...upperUnits().map((each) => each.unit_id)]);
  for (const line of part?.body.children ?? []) {
    const on = ids.has(line.dataset.unit);
    line.setAttribute("aria-selected", String(on));
    line.querySelector("input").checked = on;
  }
}
