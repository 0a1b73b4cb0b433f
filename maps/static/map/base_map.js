// The background, where there is one: muted, under the units, through our own server.
import { get } from "../door.js";
import { readTokens } from "./theme.js";
import { veilUnits } from "./units.js";

const TILES = `${location.origin}/v1/base-map/{z}/{x}/{y}`;
let layers = [];

/** Add it to the map, hidden; returns { kind, attribution }, kind null where there is none. */
export async function addBaseMap(map) {
  const found = await get("/v1/base-map").catch(() => ({ kind: null, attribution: "" }));
  if (!found.kind) return found;
  const { kind: type, min_zoom: minzoom, max_zoom: maxzoom } = found;
  map.addSource("base", { type, tiles: [TILES], minzoom, maxzoom, ...(type === "raster" ? { tileSize: 256 } : {}) });
  layers = type === "raster" ? [picture()] : drawings();
  for (const layer of layers) map.addLayer({ source: "base", layout: { visibility: "none" }, ...layer }, "above-fills");
  return found;
}

export function showBaseMap(map, on) {
  for (const { id } of layers) map.setLayoutProperty(id, "visibility", on ? "visible" : "none");
  veilUnits(map, on && layers.length > 0);
}

/** Pictures made for daylight, dimmed. */
function picture() {
  const paint = { "raster-saturation": -0.7, "raster-contrast": -0.1, "raster-brightness-max": 0.55, "raster-opacity": 0.45, "raster-fade-duration": 0 };
  return { id: "base-picture", type: "raster", paint };
}

/** What both the Protomaps and the OpenMapTiles schema have, in tones of the ground. */
function drawings() {
  const tokens = readTokens();
  const fill = (name, colour, opacity) => ({ id: `base-${name}`, "source-layer": name, type: "fill", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": colour, "fill-opacity": opacity } });
  const road = (name) => ({ id: `base-${name}`, "source-layer": name, type: "line", paint: { "line-color": tokens.edge, "line-opacity": 0.4, "line-width": ["interpolate", ["linear"], ["zoom"], 8, 0.3, 14, 1, 18, 5] } });
  return [
    fill("landuse", tokens.good, 0.08),
    fill("landcover", tokens.good, 0.08),
    fill("water", tokens.info, 0.18),
    { id: "base-waterway", "source-layer": "waterway", type: "line", paint: { "line-color": tokens.info, "line-opacity": 0.25, "line-width": 1 } },
    { ...fill("buildings", tokens.line, 0.6), minzoom: 14 },
    { ...fill("building", tokens.line, 0.6), minzoom: 14 },
    road("roads"),
    road("transportation"),
  ];
}
