// Keys, and the pointer on the map.
import { hoverDot, markAt } from "../map/dots.js";
import { pointUnit, unitAt } from "../map/units.js";
import { toCase } from "./chosen_case.js";
import { toPerson } from "./chosen_person.js";
import { goUp, lookInto } from "./going.js";
import { here } from "./here.js";
import { moveInRows, pointRow } from "./table.js";
import { otherTab } from "./side.js";
import { go, now } from "./state.js";
import { keepTrail } from "./trails.js";

export function bindKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = event.target.matches?.("input, select, textarea");
    if (event.key === "Escape") go({ person: null, case: null });
    else if (inField) return;
    else if (event.key === "Backspace") goUp();
    else if (event.key === "t" && now().person) keepTrail(now().person);
    else if (event.target.matches?.('[role="tab"]') && ["ArrowLeft", "ArrowRight"].includes(event.key)) otherTab(event.key === "ArrowRight" ? 1 : -1);
    else if (here.map && event.target === here.map.getCanvas()) return;
    else if (!moveInRows(event.key)) return;
    event.preventDefault();
  });
}

export function bindPointer(map) {
  const level = () => here.place?.shownLevel ?? null;
  map.on("mousemove", ({ point }) => {
    const mark = markAt(point);
    hoverDot(mark?.dot?.id ?? null);
    const unit = mark ? null : unitAt(map, level(), point);
    const child = unit && here.place.children.find((one) => one.code === unit.code);
    pointUnit(map, level(), child ? child.tileId : null);
    pointRow(child?.code ?? null);
    map.getCanvas().style.cursor = mark || unit ? "pointer" : "";
  });
  map.on("mouseout", () => pointRow(null));
  map.on("click", ({ point, originalEvent }) => {
    const mark = markAt(point);
    if (mark?.dot) return originalEvent.shiftKey ? keepTrail(mark.dot.code) : toPerson(mark.dot.code);
    if (mark?.group) return lookInto(mark.group.centre);
    const found = map.queryRenderedFeatures(point, { layers: ["cases"] })[0];
    if (found) return toCase(found.properties.number);
    const unit = unitAt(map, level(), point);
    if (unit) go({ unit: unit.code, level: level() });
  });
}
