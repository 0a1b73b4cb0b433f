// A trail: red dots on a thin line that fades with age; gaps dashed, stays ringed.
import { readTokens, scaleNow } from "./theme.js";

const EMPTY = { type: "FeatureCollection", features: [] };
const kind = (name) => ["==", ["get", "kind"], name];

export function addTrailLayers(map) {
  const tokens = readTokens();
  const rem = scaleNow();
  map.addSource("trail", { type: "geojson", data: EMPTY });
  const fade = ["interpolate", ["linear"], ["get", "newness"], 0, 0.25, 1, 0.95];
  const line = { "line-color": tokens.worker, "line-opacity": fade };
  const round = { "line-cap": "round", "line-join": "round" };
  map.addLayer({ id: "trail-gap", type: "line", source: "trail", filter: kind("gap"), layout: {}, paint: { "line-color": tokens.muted, "line-width": 1.25 * rem, "line-dasharray": [2, 3], "line-opacity": 0.9 } });
  map.addLayer({ id: "trail-line", type: "line", source: "trail", filter: kind("line"), layout: round, paint: { ...line, "line-width": 2 * rem } });
  map.addLayer({ id: "trail-stay", type: "circle", source: "trail", filter: kind("stay"), paint: { "circle-radius": 8 * rem, "circle-color": tokens.worker, "circle-opacity": 0.12, "circle-stroke-color": tokens.worker, "circle-stroke-width": 1.25 * rem, "circle-stroke-opacity": 0.8 } });
  map.addLayer({ id: "trail-fix", type: "circle", source: "trail", filter: kind("fix"), minzoom: 13, paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 13, 1.25 * rem, 17, 3 * rem], "circle-color": tokens.worker, "circle-opacity": fade } });
}

/** Draw a trail in the map's terms (see `readTrail`), or nothing. */
export function drawTrail(map, trail) {
  map.getSource("trail")?.setData(trail ? { type: "FeatureCollection", features: trail.features } : EMPTY);
}

export function showTrailLayers(map, on) {
  for (const id of ["trail-gap", "trail-line", "trail-stay", "trail-fix"]) {
    map.setLayoutProperty(id, "visibility", on ? "visible" : "none");
  }
}
