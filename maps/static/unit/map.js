// A small map: the unit as it was at the chosen time over the borders of today.
import { el } from "../wall/dom.js";
import { canDrawMaps, makeMap, moveTime } from "../map/frame.js";
import { readTokens } from "../map/theme.js";
import { addUnitLayers, boundsOf, showLevel, useNetwork } from "../map/units.js";
import { t } from "../words.js";

let map = null;
let borders = new Map();

export async function startMap(network, life, read) {
  borders = new Map(read.features.map((each) => [each.properties.version_id, each]));
  const box = document.getElementById("map");
  if (!canDrawMaps()) return box.append(el("p", { class: "note" }, t("wall.no_webgl")));
  map = makeMap("map", { bounds: boxOf([...borders.values()]), label: t("life.map") });
  await new Promise((resolve) => map.once("load", resolve));
  addUnitLayers(map);
  const { level } = life.chapters.at(-1);
  if (network?.levels.some((each) => each.code === level)) {
    useNetwork(map, network);
    showLevel(map, { level, parent: null, above: network.levels.filter((each) => each.isMain && each.code !== level).map((each) => each.code), here: null, names: true, prefix: "" });
  }
  const tokens = readTokens();
  const none = { type: "FeatureCollection", features: [] };
  for (const name of ["then", "today"]) map.addSource(name, { type: "geojson", data: none });
  map.addLayer({ id: "then-fill", type: "fill", source: "then", paint: { "fill-color": tokens.info, "fill-opacity": 0.22 } }, "above-lines");
  map.addLayer({ id: "then-line", type: "line", source: "then", layout: { "line-join": "round" }, paint: { "line-color": tokens.info, "line-width": 3 } }, "above-names");
  map.addLayer({ id: "today-line", type: "line", source: "today", layout: { "line-join": "round" }, paint: { "line-color": tokens.text, "line-width": 2, "line-dasharray": [2, 2] } }, "above-names");
  new ResizeObserver(() => map.resize()).observe(box);
  return undefined;
}

/** `today`: the version that holds now, drawn as an outline where it is another one. */
export function showVersion(then, today) {
  if (map === null) return;
  const other = today && today.version_id !== then.version_id ? borders.get(today.version_id) : null;
  const shown = [borders.get(then.version_id)];
  map.getSource("then").setData({ type: "FeatureCollection", features: shown });
  map.getSource("today").setData({ type: "FeatureCollection", features: other ? [other] : [] });
  map.fitBounds(boundsOf(boxOf(other ? [...shown, other] : shown)), { padding: 72, maxZoom: 16.5, duration: moveTime(300) });
  document.getElementById("map").dataset.version = then.version_id;
}

function boxOf(features) {
  const all = features.flatMap(({ geometry }) => geometry.coordinates.flat(geometry.type === "MultiPolygon" ? 2 : 1));
  const [lon, lat] = [0, 1].map((axis) => all.map((place) => place[axis]));
  const least = (values) => values.reduce((one, other) => Math.min(one, other));
  const most = (values) => values.reduce((one, other) => Math.max(one, other));
  return [least(lon), least(lat), most(lon), most(lat)];
}
