// Calls for help on the map: the person's own mark, or where the call came from when the feed does not tell of them.
import { alarmDots } from "../../map/dots.js";
import { readTokens } from "../../map/theme.js";
import { t } from "../../words.js";
import { here } from "../here.js";
import { byCode } from "../people.js";

const SOURCE = "calls";
let drawn = "[[],[]]";

export function markAlerts(alerts) {
  const { map } = here;
  if (!map) return;
  const calls = alerts.filter((one) => one.kind === "sos");
  const dots = calls.filter((one) => !one.acknowledged_at).map(dotOf).filter(Boolean);
  const features = calls.filter((one) => !dotOf(one) && one.lon !== null).map(featureOf);
  const key = JSON.stringify([dots.map((dot) => dot.id), features]);
  if (key === drawn) return;
  drawn = key;
  alarmDots(dots.map((dot) => dot.id));
  if (!map.getSource(SOURCE)) addLayers(map);
  map.getSource(SOURCE).setData({ type: "FeatureCollection", features });
}

function dotOf(alert) {
  const dot = byCode(alert.person?.code);
  return dot && dot.lon !== null ? dot : null;
}

function featureOf(alert) {
  const properties = { done: Boolean(alert.acknowledged_at), label: `${t("alert.sos")} ${alert.person?.name ?? ""}` };
  return { type: "Feature", geometry: { type: "Point", coordinates: [alert.lon, alert.lat] }, properties };
}

function addLayers(map) {
  const tokens = readTokens();
  const fade = ["case", ["get", "done"], 0.45, 1];
  const ring = (id, radius, width) =>
    map.addLayer({ id, type: "circle", source: SOURCE, paint: { "circle-radius": radius, "circle-opacity": 0, "circle-stroke-color": tokens.worker, "circle-stroke-width": width, "circle-stroke-opacity": fade } });
  map.addSource(SOURCE, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  ring("calls-inner", 14, 3);
  ring("calls-outer", 22, 1.5);
  map.addLayer({
    id: "calls-name",
    type: "symbol",
    source: SOURCE,
    layout: { "text-field": ["get", "label"], "text-font": ["sans-serif"], "text-size": 14, "text-offset": [0, 2.2], "text-anchor": "top", "text-allow-overlap": true, "text-ignore-placement": true },
    paint: { "text-color": tokens.worker, "text-halo-color": tokens.ground, "text-halo-width": 2, "text-opacity": fade },
  });
}
