// The straight line from somebody who could be sent to the case, while one decides.
import { readTokens, scaleNow } from "../../map/theme.js";
import { here } from "../here.js";

const SOURCE = "way";

/** `ends`: two positions, or null for no line. */
export function drawWay(ends) {
  const { map } = here;
  if (!map || (!ends && !map.getSource(SOURCE))) return;
  if (!map.getSource(SOURCE)) addLayer(map);
  const features = ends ? [{ type: "Feature", geometry: { type: "LineString", coordinates: ends }, properties: {} }] : [];
  map.getSource(SOURCE).setData({ type: "FeatureCollection", features });
}

function addLayer(map) {
  map.addSource(SOURCE, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  map.addLayer({ id: SOURCE, type: "line", source: SOURCE, layout: { "line-cap": "round" }, paint: { "line-color": readTokens().info, "line-width": 2 * scaleNow(), "line-dasharray": [1, 2] } });
}
