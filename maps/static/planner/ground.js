// The map: published ground from tiles, the plan's units above it, what is chosen, drawn and found on top.
import { get } from "../door.js";
import { at } from "../wall/dom.js";
import { blockStyle, changeStyle, chosenStyle, findingStyle, handleStyle, sketchStyle, streetStyle, tileStyle, unitStyle } from "./looks.js";
import { layPicture } from "./picture.js";
import { note, now } from "./state.js";

const geojson = new ol.format.GeoJSON({ dataProjection: "EPSG:4326", featureProjection: "EPSG:3857" });
const vector = (style, more = {}) => new ol.layer.Vector({ source: new ol.source.Vector(), style, ...more });

export const units = vector(unitStyle, { declutter: true });
export const streets = vector(streetStyle);
export const blocks = vector(blockStyle, { updateWhileInteracting: true });
export const changes = vector(changeStyle, { visible: false });
export const findings = vector(findingStyle);
export const chosen = vector(chosenStyle);
export const sketch = vector(sketchStyle, { updateWhileInteracting: true });
export const handle = vector(handleStyle, { updateWhileInteracting: true });
const published = new ol.layer.Group();

export const map = new ol.Map({
  target: at("map"),
  layers: [blocks, chosen, findings, sketch, handle],
  controls: [new ol.control.ScaleLine({ minWidth: 80 })],
  interactions: ol.interaction.defaults.defaults({ doubleClickZoom: false, keyboard: false, altShiftDragRotate: false, pinchRotate: false }),
  view: new ol.View({ center: [0, 0], zoom: 2, maxZoom: 23, enableRotation: false }),
});
layPicture(map, [published, units, streets, changes]);

/** lon, lat on the stored grid of a place on the map. */
export function toLonLat(coordinate) {
  return ol.proj.toLonLat(coordinate).map((degrees) => Math.round(degrees * 1e7) / 1e7);
}
export const fromLonLat = (lonLat) => ol.proj.fromLonLat(lonLat);
export const readFeatures = (collection) => geojson.readFeatures(collection);
export const readFeature = (feature) => geojson.readFeature(feature);

/** A geometry of the map as GeoJSON on the stored grid. */
export function writeGeometry(geometry) {
  const round = (value) => (Array.isArray(value[0]) ? value.map(round) : toLonLat(value));
  return { type: geometry.getType(), coordinates: round(geometry.getCoordinates()) };
}

/** Draw the published ground of a network, every level, as of an edition; what the plan draws itself is left out. */
export async function showPublished(network, editionId) {
  const key = `${network.code} ${editionId}`;
  if (published.get("key") === key) return;
  published.set("key", key);
  const depths = new Map();
  for (const level of network.levels) depths.set(level.code, level.parent ? depths.get(level.parent) + 1 : 0);
  const deepest = Math.max(...depths.values());
  const layers = network.levels.map((level) => {
    const style = tileStyle(depths.get(level.code), deepest);
    const isDeepest = depths.get(level.code) === deepest;
    return new ol.layer.VectorTile({
      properties: { deepest: isDeepest },
      renderMode: "hybrid",
      source: new ol.source.VectorTile({
        format: new ol.format.MVT({ layers: ["units"], idProperty: "unit_id" }),
        url: `/v1/tiles/${encodeURIComponent(network.code)}.${encodeURIComponent(level.code)}/{z}/{x}/{y}.mvt?edition=${editionId}`,
        maxZoom: 16,
      }),
      style: isDeepest ? (feature) => (hidden.has(feature.getId()) ? undefined : style) : style,
      zIndex: -depths.get(level.code),
    });
  });
  published.setLayers(new ol.Collection(layers.reverse()));
}

let ended = new Set();
let hidden = new Set(); // what the plan draws itself, or has ended

/** Units that the plan ends: their borders are not drawn any more. */
export const hideEnded = (ids) => (ended = new Set(ids));

/** Draw the published ground anew where the plan draws other units itself than before: the deepest level alone has them. */
export function redrawPublished() {
  const wanted = units.getVisible() ? new Set([...ended, ...units.getSource().getFeatures().map((each) => each.getId())]) : new Set();
  if (wanted.size === hidden.size && [...wanted].every((id) => hidden.has(id))) return;
  hidden = wanted;
  published.getLayers().forEach((layer) => layer.get("deepest") && layer.changed());
}

export function fit(extent, { maxZoom = 18, padding = 48 } = {}) {
  if (ol.extent.isEmpty(extent)) return;
  const duration = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 200;
  map.getView().fit(extent, { padding: paddingFor(extent, padding), maxZoom, duration });
}

/** Beside what lies over the map: the zoom buttons, the pen, and the legend, at its side or above it, wherever more is seen. */
function paddingFor(extent, padding) {
  const [width, height] = map.getSize();
  const legend = at("legend");
  const right = Math.max(padding, Math.min(64, width / 8));
  const bottom = Math.min(padding + 112, height / 4); // the pen lies there
  const beside = [padding, right, bottom, Math.max(padding, Math.min(legend.offsetWidth + 32, width / 2))];
  const above = [padding, right, Math.max(bottom, Math.min(legend.offsetHeight + 56, height / 2)), padding];
  const shown = ([top, east, south, west]) => Math.min((width - east - west) / ol.extent.getWidth(extent), (height - top - south) / ol.extent.getHeight(extent));
  return shown(beside) > shown(above) ? beside : above;
}

export function fitBox([west, south, east, north], how) {
  fit(ol.extent.boundingExtent([fromLonLat([west, south]), fromLonLat([east, north])]), how);
}

/** Where the map looks, west, south, east, north. */
export function boxInView() {
  const [west, south, east, north] = ol.proj.transformExtent(map.getView().calculateExtent(), "EPSG:3857", "EPSG:4326");
  return [Math.max(west, -180), Math.max(south, -90), Math.min(east, 180), Math.min(north, 90)];
}

let asked = null;

/** Keep the place that the address asks for: panels that come and go move the map before it can look there. */
export const keepPlace = () => (asked = now().at);

/** Look at the place the address asked for; false when it asked for none. */
export function restoreView() {
  const parts = (asked ?? "").split("/").map(Number);
  if (parts.length !== 3 || parts.some((part) => !Number.isFinite(part))) return false;
  map.getView().setZoom(parts[0]);
  map.getView().setCenter(fromLonLat([parts[2], parts[1]]));
  return true;
}

map.on("moveend", () => {
  const view = map.getView();
  const [lon, lat] = ol.proj.toLonLat(view.getCenter());
  if (view.getZoom() > 3) note({ at: `${view.getZoom().toFixed(2)}/${lat.toFixed(5)}/${lon.toFixed(5)}` });
});

export const readNetworks = async () => (await get("/v1/networks")).networks;
