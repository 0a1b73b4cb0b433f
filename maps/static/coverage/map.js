// The map: units filled by class, hatched where there is no data; a suggested round, and the fixes of a proof or a day.
import { boundsOf, addUnitLayers, showLevel, unitAt, useNetwork } from "../map/units.js";
import { addCaseLayers, drawCases } from "../map/cases.js";
import { addScale, canDrawMaps, makeMap, moveTime } from "../map/frame.js";
import { el } from "../wall/dom.js";
import { t } from "../words.js";
import { CLASSES, classOf, classTexts } from "./figure.js";

const EMPTY = { type: "FeatureCollection", features: [] };
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const colourOf = (level) => token(`--cover-${level}`);
let map = null;
let level = null;
let painted = [];

export async function startMap(bbox, open) {
  if (!canDrawMaps()) return document.getElementById("map").append(el("p", { class: "note" }, t("wall.no_webgl")));
  map = makeMap("map", { bounds: bbox ?? undefined, label: t("coverage.map") });
  await new Promise((resolve) => map.once("load", resolve));
  addUnitLayers(map);
  map.addImage("hatch", hatch(), { pixelRatio: 2 });
  addScale(map);
  const lines = { round: ["--info", [2, 2]], trail: ["--worker", [1, 0]] };
  for (const [name, [colour, dash]] of Object.entries(lines)) {
    map.addSource(name, { type: "geojson", data: EMPTY });
    map.addLayer({ id: `${name}-line`, type: "line", source: name, filter: ["==", ["geometry-type"], "LineString"], paint: { "line-color": token(colour), "line-width": 2, "line-dasharray": dash } });
    map.addLayer({ id: `${name}-dot`, type: "circle", source: name, filter: ["==", ["geometry-type"], "Point"], paint: { "circle-color": name === "round" ? token("--panel") : token(colour), "circle-radius": name === "round" ? 9 : 3.5, "circle-stroke-width": name === "round" ? 2 : 1, "circle-stroke-color": name === "round" ? token(colour) : token("--panel") } });
  }
  addCaseLayers(map);
  map.addLayer({ id: "round-number", type: "symbol", source: "round", filter: ["==", ["geometry-type"], "Point"], layout: { "text-field": ["get", "number"], "text-font": ["sans-serif"], "text-size": 12, "text-allow-overlap": true }, paint: { "text-color": token("--text") } });
  map.on("click", ({ point }) => {
    const unit = unitAt(map, level, point);
    if (unit) open(unit.unit_id);
  });
  map.on("mousemove", ({ point }) => (map.getCanvas().style.cursor = unitAt(map, level, point) ? "pointer" : ""));
  new ResizeObserver(() => map.resize()).observe(document.getElementById("map"));
}

/** Slanted lines: nothing is known here. */
function hatch() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 16;
  const pen = canvas.getContext("2d");
  pen.strokeStyle = token("--edge");
  pen.lineWidth = 1.5;
  for (const shift of [-16, 0, 16]) {
    pen.moveTo(shift, 16);
    pen.lineTo(shift + 16, 0);
  }
  pen.stroke();
  return pen.getImageData(0, 0, 16, 16);
}

/** `place`: where the view stands; `shown`: level of the units told. */
export function showPlace(place, shown) {
  if (!map) return;
  useNetwork(map, place.network);
  level = shown;
  const isBelow = shown === place.shownLevel;
  showLevel(map, { level: shown, parent: isBelow ? place.parentTileId : null, above: place.above, here: place.unit ? { level: place.unit.level, id: place.unit.tileId } : null, names: true, prefix: place.prefix });
  if (place.bbox) map.fitBounds(boundsOf(place.bbox), { padding: 32, duration: moveTime(400) });
}

export function paint(units, state) {
  drawLegend(state.show);
  if (!map || !map.getLayer(`fill-${level}`)) return;
  const source = { source: `units-${level}`, sourceLayer: "units" };
  for (const id of painted) map.removeFeatureState({ ...id }, "cover");
  painted = units.map((unit) => ({ ...source, id: unit.id }));
  const none = [];
  for (const unit of units) {
    const rank = classOf(unit, state);
    if (rank === null) none.push(unit.id);
    map.setFeatureState({ ...source, id: unit.id }, { cover: rank });
  }
  const rank = ["feature-state", "cover"];
  const colours = Array.from({ length: CLASSES }, (_, n) => [["==", rank, n], colourOf(n)]).flat();
  map.setPaintProperty(`fill-${level}`, "fill-color", ["case", ["==", ["typeof", rank], "number"], ["case", ...colours, token("--raised")], token("--raised")]);
  map.setPaintProperty(`fill-${level}`, "fill-opacity", 0.85);
  for (const [name, value] of [["text-color", token("--text")], ["text-halo-color", token("--panel")], ["text-halo-width", 2.5]]) map.setPaintProperty(`names-${level}`, name, value);
  if (map.getLayer("hatched")) map.removeLayer("hatched");
  map.addLayer({ id: "hatched", type: "fill", source: source.source, "source-layer": "units", filter: ["in", ["get", "unit_id"], ["literal", none]], paint: { "fill-pattern": "hatch" } }, "above-lines");
}

export function drawPins(cases) {
  if (map) drawCases(map, cases);
}

export function showAt({ lon, lat }) {
  map?.easeTo({ center: [lon, lat], zoom: Math.max(map.getZoom(), 15), duration: moveTime(400) });
}

function drawLegend(show) {
  const title = show === "age" ? t("coverage.show.age") : t("coverage.show.share");
  const items = classTexts(show).map(({ text, level: rank }) => el("li", {}, el("span", { class: "swatch", "data-rank": rank }), text));
  items.push(el("li", {}, el("span", { class: "swatch hatched" }), t("coverage.unobserved")));
  document.getElementById("scale-legend").replaceChildren(el("h3", {}, title), el("ul", {}, ...items));
}

/** A round: numbered stops in walking order, joined by straight lines. */
export function drawRound(stops) {
  if (!map) return;
  const line = { type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: stops.map(({ lon, lat }) => [lon, lat]) } };
  const points = stops.map(({ lon, lat }, row) => ({ type: "Feature", properties: { number: String(row + 1) }, geometry: { type: "Point", coordinates: [lon, lat] } }));
  map.getSource("round").setData({ type: "FeatureCollection", features: stops.length > 1 ? [line, ...points] : points });
}

/** Features of fixes and lines between them, and what they lie in. */
export function drawTrail(features) {
  if (!map) return;
  map.getSource("trail").setData({ type: "FeatureCollection", features });
  const all = features.flatMap(({ geometry }) => (geometry.type === "Point" ? [geometry.coordinates] : geometry.coordinates));
  if (!all.length) return;
  const lon = all.map(([x]) => x);
  const lat = all.map(([, y]) => y);
  map.fitBounds(boundsOf([Math.min(...lon), Math.min(...lat), Math.max(...lon), Math.max(...lat)]), { padding: 60, maxZoom: 17, duration: moveTime(400) });
}
