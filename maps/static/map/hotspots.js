// Hotspots: classed cells on a diverging scale, with a legend that says what a class means.
import { get } from "../door.js";
import { isEnglish } from "../words.js";

const CLASSES = ["hot_99", "hot_95", "hot_90", "cold_90", "cold_95", "cold_99"];
const EMPTY = { type: "FeatureCollection", features: [] };

function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(CLASSES.map((name) => [name, style.getPropertyValue(`--${name.replace("_", "-")}`).trim()]));
}

export function addHotspotLayer(map) {
  const scale = Object.entries(colours()).flat();
  map.addSource("hotspots", { type: "geojson", data: EMPTY });
  const paint = { "fill-color": ["match", ["get", "class"], ...scale, "transparent"], "fill-opacity": 0.6, "fill-antialias": false };
  map.addLayer({ id: "hotspots", type: "fill", source: "hotspots", paint }, "above-lines");
}

/** The classes found, for the legend: [{ colour, text }]; and the cells drawn. */
export async function drawHotspots(map, place) {
  const where = place ? { network: place.network.code, ...(place.unit && place.steps.length > 1 ? { unit: place.unit.code } : {}) } : null;
  const found = where ? await get(`/v1/hotspots?${new URLSearchParams({ ...where, cells: "called" })}`) : { ...EMPTY, class_names: {} };
  map?.getSource("hotspots")?.setData({ type: "FeatureCollection", features: found.features });
  const present = new Set(found.features.map((cell) => cell.properties.class));
  return CLASSES.filter((name) => present.has(name)).map((name) => ({
    colour: colours()[name],
    text: found.class_names[name][isEnglish ? "en" : "zh"],
  }));
}
