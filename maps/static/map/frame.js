// A map with nothing on it: no base map, no glyph server, no other host. North stays up.
import * as maplibre from "/static/vendor/maplibre-gl/maplibre-gl.mjs";
import { labelFont, readTokens } from "./theme.js";

maplibre.setWorkerUrl("/static/vendor/maplibre-gl/maplibre-gl-worker.mjs");
export const { LngLatBounds } = maplibre;

export function canDrawMaps() {
  return Boolean(document.createElement("canvas").getContext("webgl2"));
}

/** `bounds`: [west, south, east, north] to begin with, shown no closer than `closest`. */
export function makeMap(container, { bounds, closest = 17, label } = {}) {
  const tokens = readTokens();
  const map = new maplibre.Map({
    container,
    style: {
      version: 8,
      sources: {},
      layers: [{ id: "ground", type: "background", paint: { "background-color": tokens.ground } }],
    },
    bounds,
    fitBoundsOptions: { padding: 24, maxZoom: closest },
    localIdeographFontFamily: labelFont(),
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    maxPitch: 0,
    maxZoom: 19,
    renderWorldCopies: false,
    fadeDuration: 150,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  if (label) map.getCanvas().setAttribute("aria-label", label);
  return map;
}

/** A bar that says how long a way on the map is. */
export function addScale(map) {
  map.addControl(new maplibre.ScaleControl({ unit: "metric" }), "bottom-right");
}

export const stillness = matchMedia("(prefers-reduced-motion: reduce)");

/** Milliseconds a camera move takes: none for people who asked for no motion. */
export const moveTime = (ms) => (stillness.matches ? 0 : ms);
