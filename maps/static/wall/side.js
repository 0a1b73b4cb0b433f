// The side panel as one: figures, tabs and rows of where we are, refreshed with every frame.
import { hoverDot } from "../map/dots.js";
import { moveTime } from "../map/frame.js";
import { pointUnit } from "../map/units.js";
import { t } from "../words.js";
import { lookAtPerson } from "./chosen_person.js";
import { openTotals } from "./chosen_case.js";
import { onClose } from "./detail.js";
import { at } from "./dom.js";
import { drawPlace, openChild } from "./going.js";
import { here, sees } from "./here.js";
import { showFigures, showPeople, showUnits } from "./panel.js";
import { byCode, countByUnit, figuresOf, peopleOf } from "./people.js";
import { go, now as stateNow } from "./state.js";

export function refreshPanel() {
  const { place, asOf } = here;
  if (!place) return;
  const people = peopleOf(place.unit?.id ?? null);
  const openCases = sees.cases === "yes" ? openTotals().total : null;
  showFigures({ ...figuresOf(people), openCases, movement: sees.movement === "yes" }, asOf);
  const isPeople = showsPeople();
  for (const name of ["units", "people"]) {
    const chosen = (name === "people") === isPeople;
    at(`tab-${name}`).setAttribute("aria-selected", String(chosen));
    at(`tab-${name}`).tabIndex = chosen ? 0 : -1;
  }
  at("rows").setAttribute("aria-labelledby", isPeople ? "tab-people" : "tab-units");
  if (isPeople) showPeople(people, stateNow().person, { open: lookAtPerson, point: pointPerson });
  else showChildren();
}

/** People by choice, and where there is no unit below. */
function showsPeople() {
  const below = here.place.children.length > 0 || sees.movement !== "yes";
  return stateNow().list === "people" || (!below && stateNow().list !== "units");
}

function showChildren() {
  const counts = countByUnit();
  const open = openTotals();
  const children = here.place.children.map((child) => {
    const { onShift = 0, moving = 0 } = counts.get(child.id) ?? {};
    return { key: child.code, name: child.name, onShift, moving, cases: open.byUnit.get(child.id) ?? 0 };
  });
  const shows = { withPeople: sees.movement === "yes", withCases: sees.cases === "yes", levelName: here.place.childLevel?.name };
  showUnits(children, shows, { open: openChild, point: pointChild });
}

function pointChild(code) {
  const child = here.place.children.find((one) => one.code === code);
  if (here.map) pointUnit(here.map, child?.level ?? null, child?.tileId ?? null);
}

function pointPerson(code) {
  hoverDot(code ? (byCode(code)?.id ?? null) : null);
}

export function otherTab() {
  const isPeople = showsPeople();
  go({ list: isPeople ? "units" : "people" }, { quiet: true });
  at(isPeople ? "tab-units" : "tab-people").focus();
}

export function bindPanel() {
  onClose(() => go({ person: null, case: null }));
  at("tab-units").addEventListener("click", () => go({ list: "units" }, { quiet: true }));
  at("tab-people").hidden = sees.movement !== "yes";
  at("tab-people").addEventListener("click", () => go({ list: "people" }, { quiet: true }));
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
