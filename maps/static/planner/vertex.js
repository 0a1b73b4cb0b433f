// Moving one vertex of a border, in every unit that shares it: dragged, stepped by arrow keys, or typed.
import { handle, map, sketch, toLonLat, units } from "./ground.js";
import { unitsTouching } from "./choose.js";
import { moveCursor } from "./cursor.js";
import { place, snapped } from "./snap.js";
import { spotOn } from "./trace.js";

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
  const rings = held.units.flatMap((unit) => unit.getGeometry().getCoordinates().flat());
  sketch.getSource().addFeatures(rings.map((ring) => new ol.Feature(new ol.geom.LineString(moved(ring)))));
}

/** A ring with the held vertex where it is moved to; on a border without one there, it is put between its neighbours. */
function moved(ring) {
  const same = ([x, y]) => x === held.from[0] && y === held.from[1];
  if (ring.some(same)) return ring.map((each) => (same(each) ? held.to : each));
  const { away, segment } = spotOn(ring, held.from);
  return away > map.getView().getResolution() ? ring : [...ring.slice(0, segment + 1), held.to, ...ring.slice(segment + 1)];
}

/** The operation that the held vertex asks for. */
export function vertexArguments() {
  const point = (coordinate) => ({ type: "Point", coordinates: toLonLat(coordinate) });
  const editable = held.units.filter((unit) => unit.get("editable")).map((unit) => unit.getId());
  return { at: point(held.from), to: point(held.to), units: editable };
}

/** By mouse: the nearest vertex, or a new one on the nearest border, is dragged; `done()` hears when it was let go elsewhere. */
export function startDragging(done) {
  const pointer = new ol.interaction.Pointer({
    handleDownEvent: (event) => {
      const near = event.originalEvent.button === 0 && unitsTouching(event.coordinate, 12).some((each) => each.get("editable"));
      return near && takeVertex(event.coordinate) !== null;
    },
    handleDragEvent: (event) => held !== null && moveVertex(place(event.coordinate, held)),
    handleUpEvent: () => {
      if (held !== null && Math.hypot(held.to[0] - held.from[0], held.to[1] - held.from[1]) > 0) setTimeout(done);
      return false;
    },
  });
  map.addInteraction(pointer);
  drag = pointer;
}

export function stopDragging() {
  if (drag === null) return;
  map.removeInteraction(drag);
  drag = null;
  dropVertex();
}
