// Where a place on the map is drawn to: vertices first, then lines, of everything that is drawn there.
import { map, streets, units } from "./ground.js";
import { borderPoint } from "./choose.js";

const REACH = 12;
let on = true;

export const snaps = () => on;
export const setSnap = (wanted) => (on = wanted);

const apart = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]);

/** `{ coordinate, vertex }`: the vertex or border within reach, else the place itself; `vertex` is false for a border.
 * `held`: a vertex in hand, { from, units }, which is not drawn to where it was nor to the borders that move with it.
 */
export function snapped(coordinate, held = null) {
  const reach = REACH * map.getView().getResolution();
  const box = ol.extent.buffer(ol.extent.boundingExtent([coordinate]), reach);
  const near = units.getSource().getFeaturesInExtent(box);
  let best = null;
  for (const unit of near) {
    for (const vertex of unit.getGeometry().getCoordinates().flat(2)) {
      const away = apart(vertex, coordinate);
      if (held !== null && apart(vertex, held.from) === 0) continue;
      if (away <= reach && (best === null || away < best.away)) best = { coordinate: vertex, vertex: true, away };
    }
  }
  if (best !== null) return best;
  const lines = [
    ...near.filter((unit) => !held?.units.includes(unit)).map((unit) => borderPoint(unit, coordinate)),
    ...streets.getSource().getFeaturesInExtent(box).map((street) => street.getGeometry().getClosestPoint(coordinate)),
  ];
  for (const point of lines.map((each) => each.slice(0, 2))) {
    const away = apart(point, coordinate);
    if (away <= reach && (best === null || away < best.away)) best = { coordinate: point, vertex: false, away };
  }
  return best ?? { coordinate, vertex: false, away: 0 };
}

export const place = (coordinate, held) => (on ? snapped(coordinate, held).coordinate : coordinate);

/** For the mouse. Added last, so that what draws hears of the place that was snapped to; borders win over streets. */
export function addSnap(to) {
  const snaps = [units, streets].map((layer) => {
    const snap = new ol.interaction.Snap({ source: layer.getSource(), pixelTolerance: REACH, intersection: layer === units });
    snap.setActive(on);
    to.addInteraction(snap);
    return snap;
  });
  return { remove: () => snaps.forEach((snap) => to.removeInteraction(snap)) };
}
