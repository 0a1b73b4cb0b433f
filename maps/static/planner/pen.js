// Drawing one line or one area: by mouse, by keys, by typed coordinates, or along a border that is there.
import { at } from "../wall/dom.js";
import { t } from "../words.js";
import { fromLonLat, map, sketch, toLonLat, units } from "./ground.js";
import { sketchStyle } from "./looks.js";
import { addSnap, place } from "./snap.js";
import { borderWay } from "./trace.js";

let pen = null;
let tracing = false;

export const setTrace = (wanted) => (tracing = wanted);

/** Begin to draw; `done(geometry)` hears of what was drawn. */
export function startPen(kind, done) {
  stopPen();
  const draw = new ol.interaction.Draw({
    type: kind,
    style: sketchStyle(),
    stopClick: true,
    snapTolerance: 6,
    condition: (event) => event.originalEvent.button === 0,
    freehandCondition: () => false,
    trace: () => tracing,
    traceSource: units.getSource(),
  });
  map.addInteraction(draw);
  pen = { draw, kind, snap: addSnap(map), points: [], done };
  draw.on("drawend", (event) => {
    const geometry = event.feature.getGeometry().clone();
    pen.points = [];
    setTimeout(() => done(geometry));
  });
  draw.on("drawstart", () => sketch.getSource().clear(true));
}

export function stopPen() {
  if (pen === null) return;
  map.removeInteraction(pen.draw);
  pen.snap.remove();
  pen = null;
}

export const isDrawing = () => pen !== null;

/** Add a place: where the cursor is, or along the border from the last place when tracing. */
export function addPlace(coordinate, { exact = false } = {}) {
  if (pen === null) return;
  const spot = exact ? coordinate : place(coordinate);
  const last = pen.points.at(-1);
  const way = tracing && last ? borderWay(last, spot) : null;
  const added = way ?? [spot];
  pen.points.push(...added);
  pen.draw.appendCoordinates(added);
}

export function dropPlace() {
  if (pen === null) return;
  pen.points.pop();
  pen.draw.removeLastPoint();
}

/** True when there was enough to finish. */
export function finishPen() {
  if (pen === null) return false;
  return pen.draw.finishDrawing() !== null;
}

export function abortPen() {
  if (pen === null) return;
  pen.points = [];
  pen.draw.abortDrawing();
}

/** Typed “lon, lat”: a place on the map, or null with a word of what is wrong. */
export function readPlace(text) {
  const parts = text.split(/[\s,，;；]+/).filter(Boolean).map(Number);
  if (parts.length !== 2 || parts.some((part) => !Number.isFinite(part)) || Math.abs(parts[0]) > 180 || Math.abs(parts[1]) > 85) {
    throw new Error(t("planner.place.wrong"));
  }
  return fromLonLat(parts);
}

export function writePlace(coordinate) {
  const [lon, lat] = toLonLat(coordinate);
  at("place").value = `${lon.toFixed(7)}, ${lat.toFixed(7)}`;
}
