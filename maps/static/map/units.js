// Units on the map: vector tiles per level, thin lines whose weight tells the level, fill only under the pointer.
import { LngLatBounds } from "./frame.js";
import { readTokens, scaleNow } from "./theme.js";

const WEIGHTS = [3, 2.25, 1.7, 1.3, 1, 0.8];
const KINDS = ["fill", "line", "special", "here", "names"];
let tokens;
let shown = { network: null, levels: [] };
let fillOpacity = 0.8;

export function addUnitLayers(map) {
  tokens = readTokens();
  map.addSource("anchors", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  // Anchors: fills lie below lines, lines below names, names below what moves.
  for (const id of ["above-fills", "above-lines", "above-names"]) {
    map.addLayer({ id, type: "line", source: "anchors", layout: { visibility: "none" } });
  }
}

/** Tile sources and layers of a network's levels; `tiles` of a level names the edition, so it changes with the ground. */
export function useNetwork(map, network) {
  const ground = JSON.stringify([network.code, network.edition]);
  if (shown.ground === ground) return;
  for (const level of shown.levels) removeLevel(map, level.code);
  shown = { ground, levels: network.levels };
  for (const level of network.levels) addLevel(map, network, level);
}

const isPointed = ["boolean", ["feature-state", "pointed"], false];
const opacityOf = () => ["case", isPointed, 0.18, fillOpacity];

/** Units let a background through. */
export function veilUnits(map, on) {
  const next = on ? 0.25 : 0.8;
  if (next === fillOpacity) return;
  fillOpacity = next;
  for (const { code } of shown.levels) map.setPaintProperty(`fill-${code}`, "fill-opacity", opacityOf());
}

function addLevel(map, network, level) {
  const source = `units-${level.code}`;
  const layer = encodeURIComponent(`${network.code}.${level.code}`);
  const edition = network.edition ? `?edition=${network.edition}` : "";
  map.addSource(source, {
    type: "vector",
    tiles: [`${location.origin}/v1/tiles/${layer}/{z}/{x}/{y}.mvt${edition}`],
    maxzoom: 16,
    bounds: network.bbox ?? undefined,
    promoteId: "unit_id",
  });
  const add = (kind, type, extra, above) => {
    const { layout = {}, sourceLayer = "units", ...rest } = extra;
    const base = { id: `${kind}-${level.code}`, type, source, "source-layer": sourceLayer };
    map.addLayer({ ...base, layout: { ...layout, visibility: "none" }, ...rest }, above);
  };
  const pointed = isPointed;
  const rem = scaleNow();
  const weight = rem * WEIGHTS[Math.min(level.depth, WEIGHTS.length - 1)];
  const width = (more) => ["interpolate", ["linear"], ["zoom"], 9, weight * 0.6 + more, 14, weight + more, 18, weight * 1.6 + more];
  const round = { "line-join": "round" };
  add("fill", "fill", { paint: { "fill-color": ["case", pointed, tokens.unitHover, tokens.unitFill], "fill-opacity": opacityOf(), "fill-antialias": false } }, "above-fills");
  add("line", "line", { layout: round, paint: { "line-color": tokens.unitLine, "line-width": width(0) } }, "above-lines");
  add("special", "line", { layout: round, minzoom: 13, paint: { "line-color": tokens.info, "line-width": rem, "line-dasharray": [3, 2], "line-opacity": 0.8 } }, "above-lines");
  add("here", "line", { layout: round, paint: { "line-color": tokens.text, "line-width": width(0.5), "line-opacity": 0.85 } }, "above-lines");
  add("names", "symbol", { sourceLayer: "labels", layout: nameLayout(), paint: { "text-color": tokens.unitLabel, "text-halo-color": tokens.ground, "text-halo-width": 1.5 * rem } }, "above-names");
}

function nameLayout() {
  const rem = scaleNow();
  return {
    "text-field": ["get", "name"],
    "text-font": ["sans-serif"],
    "text-size": ["interpolate", ["linear"], ["zoom"], 9, 12 * rem, 16, 15 * rem],
    "text-max-width": 8,
    "text-padding": 6,
  };
}

function removeLevel(map, code) {
  for (const kind of KINDS) if (map.getLayer(`${kind}-${code}`)) map.removeLayer(`${kind}-${code}`);
  map.removeSource(`units-${code}`);
}

const isPlain = ["!=", ["get", "kind"], "dedicated"];

/**
 * Show the units of a level and the borders of those above it.
 * `view`: { level, parent: unit id whose children are shown or null for all, above: [level], here: { level, id } or null,
 * names: shown or not, prefix: what names leave out because it is said elsewhere }.
 */
export function showLevel(map, view) {
  const inside = view.parent === null ? true : ["==", ["get", "parent_id"], view.parent];
  for (const { code, isMain } of shown.levels) {
    const isShown = code === view.level;
    set(map, `fill-${code}`, isShown, ["all", isPlain, inside]);
    set(map, `line-${code}`, isShown || view.above.includes(code), isPlain);
    set(map, `special-${code}`, isShown || !isMain, ["==", ["get", "kind"], "dedicated"]);
    set(map, `names-${code}`, isShown && view.names, ["all", isPlain, inside]);
    if (isShown) map.setLayoutProperty(`names-${code}`, "text-field", nameWithout(view.prefix));
    set(map, `here-${code}`, view.here?.level === code, ["==", ["get", "unit_id"], view.here?.id ?? ""]);
    map.setPaintProperty(`line-${code}`, "line-opacity", isShown && inside !== true ? ["case", inside, 0.9, 0.3] : 0.9);
  }
}

/** “第一网格” for “杏荫社区第一网格” within 杏荫社区. */
function nameWithout(prefix) {
  const name = ["get", "name"];
  if (!prefix) return name;
  const begins = ["==", ["slice", name, 0, prefix.length], prefix];
  return ["case", ["all", begins, [">", ["length", name], prefix.length]], ["slice", name, prefix.length], name];
}

function set(map, layer, on, filter) {
  map.setLayoutProperty(layer, "visibility", on ? "visible" : "none");
  if (on) map.setFilter(layer, filter);
}

let pointed = null;

/** Light up one unit of a level, or none. */
export function pointUnit(map, level, id) {
  if (pointed?.id === id) return;
  if (pointed && map.getSource(pointed.source)) map.setFeatureState(pointed, { pointed: false });
  pointed = id === null ? null : { source: `units-${level}`, sourceLayer: "units", id };
  if (pointed && map.getSource(pointed.source)) map.setFeatureState(pointed, { pointed: true });
}

/** The shown unit of a level at a screen point: its properties, or null. */
export function unitAt(map, level, point) {
  if (!level || !map.getLayer(`fill-${level}`)) return null;
  return map.queryRenderedFeatures(point, { layers: [`fill-${level}`] })[0]?.properties ?? null;
}

export const boundsOf = ([west, south, east, north]) => new LngLatBounds([west, south], [east, north]);
