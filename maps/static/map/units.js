// Units on the map: vector tiles per level, thin lines whose weight tells the level, fill only under the pointer.
import { LngLatBounds } from "./frame.js";
import { readTokens } from "./theme.js";

const WEIGHTS = [3, 2.25, 1.6, 1.2, 0.9, 0.7];
const NONE = ["==", ["get", "id"], ""];
let tokens;
let shown = { network: null, levels: [] };

export function addUnitLayers(map) {
  tokens = readTokens();
  map.addSource("names", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  // Anchors: fills lie below masks, masks below lines, lines below names.
  for (const id of ["above-fills", "above-masks"]) {
    map.addLayer({ id, type: "line", source: "names", layout: { visibility: "none" } });
  }
  map.addLayer({
    id: "names",
    type: "symbol",
    source: "names",
    layout: {
      "text-field": ["get", "name"],
      "text-font": ["sans-serif"],
      "text-size": ["interpolate", ["linear"], ["zoom"], 9, 12, 16, 15],
      "text-max-width": 8,
      "text-padding": 4,
      "symbol-sort-key": ["get", "rank"],
    },
    paint: { "text-color": tokens.unitLabel, "text-halo-color": tokens.ground, "text-halo-width": 1.5 },
  });
}

/** Tile sources and layers of a network's levels; `edition` makes the address change with the ground. */
export function useNetwork(map, network, levels, edition) {
  if (shown.network === network.code && shown.edition === edition) return;
  for (const level of shown.levels) removeLevel(map, level.code);
  shown = { network: network.code, edition, levels };
  for (const [rank, level] of levels.entries()) addLevel(map, network.code, level, rank, edition);
}

function addLevel(map, network, level, rank, edition) {
  const source = `units-${level.code}`;
  const layer = `${network}.${level.code}`;
  map.addSource(source, {
    type: "vector",
    tiles: [`${location.origin}/v1/tiles/${encodeURIComponent(layer)}/{z}/{x}/{y}.mvt?edition=${edition ?? 0}`],
    minzoom: 0,
    maxzoom: 16,
    promoteId: "id",
  });
  const common = { source, "source-layer": "units" };
  const hovered = ["boolean", ["feature-state", "pointed"], false];
  map.addLayer({ ...common, id: `fill-${level.code}`, type: "fill", layout: { visibility: "none" }, paint: { "fill-color": ["case", hovered, tokens.unitHover, tokens.unitFill], "fill-opacity": ["case", hovered, 0.28, 0.75], "fill-antialias": false } }, "above-fills");
  map.addLayer({ ...common, id: `mask-${level.code}`, type: "fill", layout: { visibility: "none" }, filter: NONE, paint: { "fill-color": tokens.ground, "fill-opacity": 0.72, "fill-antialias": false } }, "above-masks");
  map.addLayer({ ...common, id: `line-${level.code}`, type: "line", layout: { visibility: "none", "line-join": "round" }, paint: { "line-color": tokens.unitLine, "line-width": weightOf(rank), "line-opacity": 0.9 } }, "names");
  map.addLayer({ ...common, id: `here-${level.code}`, type: "line", layout: { visibility: "none", "line-join": "round" }, filter: NONE, paint: { "line-color": tokens.text, "line-width": weightOf(rank) + 0.75 } }, "names");
}

function weightOf(rank) {
  const weight = WEIGHTS[Math.min(rank, WEIGHTS.length - 1)];
  return ["interpolate", ["linear"], ["zoom"], 9, weight * 0.6, 14, weight, 18, weight * 1.6];
}

function removeLevel(map, code) {
  for (const kind of ["fill", "mask", "line", "here"]) if (map.getLayer(`${kind}-${code}`)) map.removeLayer(`${kind}-${code}`);
  if (map.getSource(`units-${code}`)) map.removeSource(`units-${code}`);
}

/** Show the units of `level` (and the borders of the levels above), the rest dimmed around `here`: {level, id} or null. */
export function showLevel(map, level, above, here) {
  for (const { code } of shown.levels) {
    const isShown = code === level;
    set(map, `fill-${code}`, isShown);
    set(map, `line-${code}`, isShown || above.includes(code));
    map.setPaintProperty(`line-${code}`, "line-opacity", isShown ? 0.85 : 1);
    const holds = here?.level === code;
    set(map, `mask-${code}`, holds);
    set(map, `here-${code}`, holds);
    map.setFilter(`mask-${code}`, holds ? ["!=", ["get", "id"], here.id] : NONE);
    map.setFilter(`here-${code}`, holds ? ["==", ["get", "id"], here.id] : NONE);
  }
}

function set(map, layer, on) {
  map.setLayoutProperty(layer, "visibility", on ? "visible" : "none");
}

let pointed = null;

/** Light up one unit of a level, or none. */
export function pointUnit(map, level, id) {
  if (pointed) map.setFeatureState(pointed, { pointed: false });
  pointed = id === null ? null : { source: `units-${level}`, sourceLayer: "units", id };
  if (pointed) map.setFeatureState(pointed, { pointed: true });
}

/** The unit of a level at a screen point: its properties, or null. */
export function unitAt(map, level, point) {
  if (!level || !map.getLayer(`fill-${level}`)) return null;
  return map.queryRenderedFeatures(point, { layers: [`fill-${level}`] })[0]?.properties ?? null;
}

/** Names at the units' label points. `units`: [{ name, label: [lon, lat], rank }]. */
export function drawNames(map, units) {
  const features = units
    .filter((unit) => unit.label)
    .map((unit) => ({ type: "Feature", geometry: { type: "Point", coordinates: unit.label }, properties: { name: unit.name, rank: unit.rank ?? 0 } }));
  map.getSource("names")?.setData({ type: "FeatureCollection", features });
}

export const boundsOf = ([west, south, east, north]) => new LngLatBounds([west, south], [east, north]);
