// Moving one vertex of a border, in every unit that shares it: dragged, stepped by arrow keys, or typed.
import { handle, map, sketch, toLonLat, units } from "./ground.js";
import { unitsTouching } from "./choose.js";
import { moveCursor } from "./cursor.js";
import { addSnap, place, snapped } from "./snap.js";

let held = null;
let drag = null;

/** Take the vertex, or the spot on a border, nearest to a place; null where there is none. */
export function takeVertex(coordinate) {
  const spot = snapped(coordinate);
  const touching = unitsTouching(spot.coordinate, 1);
  if (spot.away === 0 && touching.length === 0) return null;
  held = { from: spot.coordinate, to: spot.coordinate, units: touching };
  moveCursor(held.from);
  show();
  return held;
}

export const heldVertex = () => held;

export function moveVertex(to) {
  held.to = to;
  show();
}

export function dropVertex() {
  held = null;
  handle.getSource().clear(true);
  sketch.getSource().clear(true);
}

/** Borders as they would be, with the neighbours moving along. */
function show() {
  handle.getSource().clear(true);
  handle.getSource().addFeature(new ol.Feature(new ol.geom.Point(held.to)));
  sketch.getSource().clear(true);
  const same = ([x, y]) => x === held.from[0] && y === held.from[1];
  const move = (value) => (Array.isArray(value[0]) ? value.map(move) : same(value) ? held.to : value);
  sketch.getSource().addFeatures(
    held.units.map((unit) => new ol.Feature(new ol.geom.MultiLineString(move(unit.getGeometry().getCoordinates()).flat()))),
  );
}

/** The operation that the held vertex asks for. */
export function vertexArguments() {
  const point = (coordinate) => ({ type: "Point", coordinates: toLonLat(coordinate) });
  const editable = held.units.filter((unit) => unit.get("editable")).map((unit) => unit.getId());
  return { at: point(held.from), to: point(held.to), units: editable };
}

/** By mouse: coincident vertices of all units move together; `done()` hears when one was let go elsewhere. */
export function startDragging(done) {
  const modify = new ol.interaction.Modify({
    source: units.getSource(),
    pixelTolerance: 10,
    deleteCondition: () => false,
  });
  let before = [];
  modify.on("modifystart", (event) => {
    takeVertex(event.mapBrowserEvent.coordinate);
    before = event.features.getArray().map((feature) => [feature, feature.getGeometry().clone()]);
  });
  modify.on("modifyend", (event) => {
    const to = place(event.mapBrowserEvent.coordinate);
    for (const [feature, geometry] of before) feature.setGeometry(geometry);
    if (held === null) return;
    moveVertex(to);
    if (Math.hypot(to[0] - held.from[0], to[1] - held.from[1]) > 0) setTimeout(done);
  });
  map.addInteraction(modify);
  drag = { modify, snap: addSnap(map) };
}

export function stopDragging() {
  if (drag === null) return;
  map.removeInteraction(drag.modify);
  drag.snap.remove();
  drag = null;
  dropVertex();
}
