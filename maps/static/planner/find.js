// Finding a unit by a part of its code or name: type, arrows, Enter. The service answers, so that what the map has not loaded
// is found too.
import { get } from "../door.js";
import { el } from "../wall/dom.js";
import { count } from "../format.js";
import { isEnglish, t } from "../words.js";
import { trying } from "./message.js";
import { networkOf } from "./plans.js";
import { now } from "./state.js";
import { current } from "./work.js";

const MOST = 20;
const PAUSE_MS = 180;
let last = 0;

/** Units of the open plan as the plan has them. `which`: lowest, above or all; `level`: of one level alone. */
export async function findInPlan(text, { which = "all", level = null, signal } = {}) {
  const query = new URLSearchParams({ search: text, which, limit: MOST, ...(level ? { level } : {}) });
  return get(`/v1/plans/${current().id}/units?${query}`, { signal });
}

/** Units that stand above others. */
export const findAbove = (text, how) => findInPlan(text, { ...how, which: "above" });

/** Units of a network as they are published. */
export async function findInNetwork(text, network, { signal } = {}) {
  const query = new URLSearchParams({ network, search: text, limit: MOST });
  const { units, next } = await get(`/v1/units?${query}`, { signal });
  return { units: units.map((each) => ({ ...each, unit_id: each.id })), total: next === null ? units.length : null };
}

export function levelName(network, code) {
  const level = networkOf(network)?.levels.find((each) => each.code === code);
  return (isEnglish && level?.name_en) || level?.name || code;
}

/**
 * A field with a list below it. `ask(text, { signal })` answers { units, total }; `done(unit)` hears of the one that was taken, null
 * when it is no more. `keeps`: the field says what was taken, else it is empty again.
 */
export function finder({ ask, done, network, keeps = false, ...attributes }) {
  const id = `found-${++last}`;
  const list = el("div", { id, role: "listbox", class: "found", hidden: true, "aria-label": t("planner.find.units") });
  const field = el("input", { type: "search", role: "combobox", autocomplete: "off", maxlength: 64, "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list", ...attributes });
  const box = el("div", { class: "finder" }, field, list);
  let units = [];
  let active = -1;
  let asked = null;
  let typed = false;
  let timer = 0;
  let asking = null;

  const open = (on) => {
    list.hidden = !on;
    field.setAttribute("aria-expanded", String(on));
    if (!on) field.removeAttribute("aria-activedescendant");
  };
  const point = () => {
    units.forEach((_, place) => list.children[place].setAttribute("aria-selected", String(place === active)));
    if (active < 0) return;
    field.setAttribute("aria-activedescendant", `${id}-${active}`);
    list.children[active].scrollIntoView({ block: "nearest" });
  };
  const take = (place) => {
    const unit = units[place];
    clearTimeout(timer);
    asking?.abort();
    typed = false;
    asked = null;
    field.value = keeps ? textOf(unit) : "";
    open(false);
    done(unit);
  };
  const show = ({ units: found, total }) => {
    units = found;
    active = units.length ? 0 : -1;
    const more = total === null ? t("planner.find.some", { n: units.length }) : total > units.length ? t("planner.find.more", { n: units.length, total: count(total) }) : "";
    const note = units.length ? more : t("planner.find.none", { text: asked });
    list.replaceChildren(...units.map((each, place) => optionOf(each, { id: `${id}-${place}`, network: network(), pick: () => take(place) })), ...(note ? [el("p", { class: "muted small", role: "presentation" }, note)] : []));
    open(true);
    point();
  };
  const search = () =>
    trying(async () => {
      clearTimeout(timer);
      asking?.abort();
      asking = new AbortController();
      const text = field.value.trim();
      asked = text;
      const answer = await ask(text, { signal: asking.signal });
      if (asked === text && document.activeElement === field) show(answer);
    });

  /** Enter pressed before the answer came waits for it. */
  const enter = async () => {
    if (list.hidden || asked !== field.value.trim()) await search();
    if (active >= 0 && !list.hidden) take(active);
  };

  field.addEventListener("input", () => {
    typed = field.value.trim() !== "";
    if (keeps) done(null);
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE_MS);
  });
  field.addEventListener("focus", () => {
    if (keeps) field.select();
  });
  field.addEventListener("click", () => list.hidden && search());
  field.addEventListener("blur", () => open(false));
  field.addEventListener("keydown", async (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && list.hidden) search();
    else if (step && units.length) point((active = (active + step + units.length) % units.length));
    else if (event.key === "Escape" && !list.hidden) open(false);
    else if (event.key === "Enter" && (typed || !list.hidden)) enter();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return { box, field };
}

export const textOf = (unit) => (unit.name === unit.code ? unit.code : `${unit.code} ${unit.name}`);

function optionOf(unit, { id, network, pick }) {
  const change = unit.change === "changed" || unit.change === "born" ? el("span", { class: "chip", "data-change": unit.change }, t(`planner.change.${unit.change}`)) : null;
  const option = el("div", { role: "option", id, "aria-selected": "false" }, el("span", {}, unit.name, change), el("span", { class: "muted small" }, levelName(network, unit.level)), el("span", { class: "muted small number" }, unit.name === unit.code ? "" : unit.code));
  option.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  option.addEventListener("click", pick);
  return option;
}

/**
 * A labelled unit of a form, sent as `name`. `chosen`: { unit_id, code, name } to begin with; without `optional` one has to be taken;
 * `hear(unit)` is told of each choice.
 */
export function unitRow(label, { name, ask, chosen = null, optional = "", hear = () => {} }) {
  const value = el("input", { type: "hidden", name, value: chosen?.unit_id ?? "" });
  const judge = () => field.setCustomValidity(value.value || (optional && !field.value.trim()) ? "" : t("planner.find.choose"));
  const { box, field } = finder({
    ask,
    keeps: true,
    network: () => current()?.network ?? now().network,
    placeholder: optional || t("planner.find.hint"),
    value: chosen ? textOf(chosen) : "",
    done: (unit) => {
      value.value = unit?.unit_id ?? "";
      judge();
      hear(unit);
    },
  });
  field.id = `field-${name}-${++last}`;
  judge();
  return el("div", { class: "field" }, el("label", { for: field.id }, label), box, value);
}
