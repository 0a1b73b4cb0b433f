// Which units are chosen, in the order they were: from the map, from the table, by mouse or by key.
import { chosen, map, toLonLat, units } from "./ground.js";
import { calm } from "./message.js";
import { chooseUpper, upperUnits } from "./upper.js";
import { bring, bringAt, hold, isPartly, onWork } from "./work.js";

const listeners = new Set();
let ids = [];
let coming = null; // chosen, and not on the map yet

export const chosenIds = () => ids;
export const onChosen = (listener) => listeners.add(listener);
export const unitOf = (id) => units.getSource().getFeatureById(id);
export const chosenUnits = () => ids.map(unitOf).filter(Boolean);

export function choose(wanted) {
  coming = null;
  calm();
  chooseUpper([]);
  set(wanted);
}

/** Units above the drawn ones, in place of these. */
export function chooseAbove(wanted) {
  if (ids.length) choose([]);
  chooseUpper(wanted);
}

function set(wanted) {
  ids = wanted.filter((id, place) => unitOf(id) && wanted.indexOf(id) === place);
  if (coming === null) hold(ids);
  draw();
  for (const listener of listeners) listener(ids);
}

/** The same of units that the map may not have loaded. */
export async function chooseFar(wanted) {
  coming = wanted;
  hold(wanted);
  try {
    await bring(wanted);
    if (coming === wanted) choose(wanted);
  } finally {
    if (coming === wanted) coming = null;
  }
}

/** One more, or one less, than are chosen or on their way. */
export function toggle(id) {
  const there = coming ?? ids;
  return chooseFar(there.includes(id) ? there.filter((each) => each !== id) : [...there, id]);
}

function draw() {
  if (upperUnits().length) return;
  const source = chosen.getSource();
  source.clear(true);
  source.addFeatures(
    ids.map((id, place) => {
      const copy = new ol.Feature(unitOf(id).getGeometry());
      copy.set("order", ids.length > 1 ? String(place + 1) : "");
      return copy;
    }),
  );
}

/** The unit at a place; a dedicated one lies over others and is met on its border. */
export function unitAt(coordinate) {
  const reach = 8 * map.getView().getResolution();
  const isMet = (each) => {
    const near = borderPoint(each, coordinate);
    return Math.hypot(near[0] - coordinate[0], near[1] - coordinate[1]) <= reach;
  };
  const box = ol.extent.buffer(ol.extent.boundingExtent([coordinate]), reach);
  const over = units.getSource().getFeaturesInExtent(box).find((each) => each.get("kind") === "dedicated" && isMet(each));
  return over ?? territorialAt(coordinate);
}

export function territorialAt(coordinate) {
  return units.getSource().getFeaturesAtCoordinate(coordinate).find((each) => each.get("kind") !== "dedicated") ?? null;
}

/** Choose what lies at a place: alone, or with what is chosen already. */
export async function chooseAt(coordinate, more) {
  if (isPartly() && territorialAt(coordinate) === null) await bringAt(toLonLat(coordinate));
  const unit = unitAt(coordinate);
  if (unit === null) choose(more ? ids : []);
  else if (more) await toggle(unit.getId());
  else choose([unit.getId()]);
}

/** The units whose borders pass within some pixels of a place. */
export function unitsTouching(coordinate, pixels = 2) {
  const reach = map.getView().getResolution() * pixels;
  const box = ol.extent.buffer(ol.extent.boundingExtent([coordinate]), reach);
  return units.getSource().getFeaturesInExtent(box).filter((each) => {
    if (each.get("kind") === "dedicated") return false;
    const near = borderPoint(each, coordinate);
    return Math.hypot(near[0] - coordinate[0], near[1] - coordinate[1]) <= reach;
  });
}

/** The nearest point on a unit's border. */
export function borderPoint(unit, coordinate) {
  const rings = unit.getGeometry().getCoordinates().flat();
  return new ol.geom.MultiLineString(rings).getClosestPoint(coordinate);
}

onWork((what) => {
  if (what === "units" || what === "plan") set(ids);
});
