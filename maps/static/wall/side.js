// The side panel as one: figures, tabs and rows of where we are, refreshed with every frame.
import { hoverDot } from "../map/dots.js";
import { moveTime } from "../map/frame.js";
import { pointUnit } from "../map/units.js";
import { t } from "../words.js";
import { lookAtPerson } from "./chosen_person.js";
import { lookAtCase, openTotals } from "./chosen_case.js";
import { onClose } from "./detail.js";
import { at } from "./dom.js";
import { drawPlace, openChild } from "./going.js";
import { here, sees } from "./here.js";
import { showCases, showFigures, showPeople, showUnits } from "./panel.js";
import { byCode, countByUnit, figuresOf, peopleOf } from "./people.js";
import { go, now as stateNow } from "./state.js";

const TABS = ["units", "people", "cases"];
const UNTOLD = { onShift: null, heard: null, moving: null, silent: null };
const NOBODY = { onShift: 0, heard: 0, moving: 0, silent: 0 };

export function refreshPanel() {
  const { place, asOf } = here;
  if (!place) return;
  const people = asOf ? peopleOf(place.unit?.id ?? null) : null;
  const figures = people ? figuresOf(people) : UNTOLD;
  showFigures({ ...figures, openCases: openTotals().total }, { movement: sees.movement === "yes", cases: sees.cases === "yes" }, asOf);
  const list = listNow();
  for (const name of TABS) {
    at(`tab-${name}`).setAttribute("aria-selected", String(name === list));
    at(`tab-${name}`).tabIndex = name === list ? 0 : -1;
  }
  at("rows").setAttribute("aria-labelledby", `tab-${list}`);
  const { person, case: number, sort } = stateNow();
  if (list === "people") showPeople(people, person, sort, { open: lookAtPerson, point: pointPerson, sort: sortBy });
  else if (list === "cases") showCases(openTotals().cases, number, sort, { open: lookAtCase, point: () => undefined, sort: sortBy });
  else showChildren(sort);
}

const sortBy = (sort) => go({ sort }, { quiet: true });

/** The list by choice; people where there is no unit below. */
function listNow() {
  const { list } = stateNow();
  if (offered().includes(list)) return list;
  return here.place.children.length || sees.movement !== "yes" ? "units" : "people";
}

const offered = () => TABS.filter((name) => name === "units" || sees[name === "people" ? "movement" : "cases"] === "yes");

function showChildren(sort) {
  const counts = countByUnit();
  const open = openTotals();
  const children = here.place.children.map((child) => {
    const { onShift, moving, silent } = here.asOf ? (counts.get(child.id) ?? NOBODY) : UNTOLD;
    return { key: child.code, name: child.name, onShift, moving, silent, cases: open.byUnit ? (open.byUnit.get(child.id) ?? 0) : null };
  });
  const shows = { withPeople: sees.movement === "yes", withCases: sees.cases === "yes", levelName: here.place.childLevel?.name };
  showUnits(children, shows, sort, { open: openChild, point: pointChild, sort: sortBy });
}

function pointChild(code) {
  const child = here.place.children.find((one) => one.code === code);
  if (here.map) pointUnit(here.map, child?.level ?? null, child?.tileId ?? null);
}

function pointPerson(code) {
  hoverDot(code ? (byCode(code)?.id ?? null) : null);
}

/** The tab beside: `step` 1 to the right, -1 to the left, round and round. */
export function otherTab(step) {
  const tabs = offered();
  const next = tabs[(tabs.indexOf(listNow()) + step + tabs.length) % tabs.length];
  go({ list: next }, { quiet: true });
  at(`tab-${next}`).focus();
}

export function bindPanel() {
  onClose(() => go({ person: null, case: null }));
  for (const name of TABS) {
    at(`tab-${name}`).hidden = !offered().includes(name);
    at(`tab-${name}`).addEventListener("click", () => go({ list: name }, { quiet: true }));
  }
  at("fold").addEventListener("click", () => {
    const folded = at("side").classList.toggle("folded");
    at("main").classList.toggle("folded", folded);
    at("fold").setAttribute("aria-expanded", String(!folded));
    at("fold").title = t(folded ? "wall.unfold" : "wall.fold");
    at("fold").firstElementChild.textContent = at("fold").title;
  });
  at("zoom-in").addEventListener("click", () => here.map?.zoomIn({ duration: moveTime(250) }));
  at("zoom-out").addEventListener("click", () => here.map?.zoomOut({ duration: moveTime(250) }));
  at("whole").addEventListener("click", drawPlace);
  at("language").addEventListener("click", keepAddress);
}

/** The other language of this very view. */
function keepAddress(event) {
  const target = new URL(location.href);
  target.searchParams.set("lang", new URL(event.currentTarget.href).searchParams.get("lang"));
  event.currentTarget.href = target.href;
}
