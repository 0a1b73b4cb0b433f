// Cases: one shape per state, so that colour is never the only cue.
import { readTokens, scaleNow } from "./theme.js";

export const CASE_STATES = ["reported", "accepted", "assigned", "handled", "verified"];

const polygon = (sides, turn = 0) => (pen, size) => {
  for (let corner = 0; corner < sides; corner++) {
    const angle = turn + (corner * 2 * Math.PI) / sides - Math.PI / 2;
    pen[corner ? "lineTo" : "moveTo"](size * Math.cos(angle), size * Math.sin(angle));
  }
  pen.closePath();
};

function cross(pen, size) {
  const arm = size * 0.36;
  const corners = [[-arm, -size], [arm, -size], [arm, -arm], [size, -arm], [size, arm], [arm, arm], [arm, size], [-arm, size], [-arm, arm], [-size, arm], [-size, -arm], [-arm, -arm]];
  corners.forEach(([x, y], index) => pen[index ? "lineTo" : "moveTo"](x, y));
  pen.closePath();
}

const SHAPES = {
  reported: { shape: polygon(3), colour: "warn", grow: 1.12 },
  accepted: { shape: polygon(4, Math.PI / 4), colour: "warn", grow: 1.05 },
  assigned: { shape: polygon(4), colour: "info", grow: 1.08 },
  handled: { shape: polygon(6), colour: "good", grow: 1 },
  verified: { shape: cross, colour: "good", grow: 0.9 },
  ended: { shape: (pen, size) => pen.arc(0, 0, size * 0.7, 0, 2 * Math.PI), colour: "stale", grow: 1 },
};
const DRAWN = [...CASE_STATES, "ended"];

/** A canvas with the mark of a state, so many CSS pixels wide; the legend shows the same drawing. */
export function drawCaseMark(state, pixels) {
  const tokens = readTokens();
  const { shape, colour, grow } = SHAPES[state];
  const ratio = devicePixelRatio || 1;
  const mark = document.createElement("canvas");
  mark.width = mark.height = Math.round(pixels * ratio);
  mark.style.width = `${pixels}px`;
  const pen = mark.getContext("2d");
  pen.translate(mark.width / 2, mark.height / 2 + (state === "reported" ? pixels * ratio * 0.06 : 0));
  pen.beginPath();
  shape(pen, (mark.width / 2 - (pixels / 9) * ratio) * Math.min(1, grow * 0.92));
  pen.lineJoin = "round";
  pen.lineWidth = (pixels / 6) * ratio;
  pen.strokeStyle = tokens.ground;
  pen.stroke();
  pen.fillStyle = tokens[colour];
  pen.fill();
  return mark;
}

export function addCaseLayers(map) {
  for (const state of DRAWN) {
    const mark = drawCaseMark(state, 18 * scaleNow());
    const image = mark.getContext("2d").getImageData(0, 0, mark.width, mark.height);
    map.addImage(`case-${state}`, image, { pixelRatio: devicePixelRatio || 1 });
  }
  const tokens = readTokens();
  map.addSource("cases", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  map.addLayer({
    id: "cases",
    type: "symbol",
    source: "cases",
    layout: {
      "icon-image": ["concat", "case-", ["get", "state"]],
      "icon-size": ["interpolate", ["linear"], ["zoom"], 10, 0.55, 14, 0.9, 17, 1.2],
      "icon-allow-overlap": true,
      "icon-ignore-placement": true,
      "symbol-sort-key": ["get", "rank"],
    },
  });
  map.addLayer({
    id: "case-chosen",
    type: "circle",
    source: "cases",
    filter: ["==", ["get", "number"], ""],
    paint: { "circle-radius": 13 * scaleNow(), "circle-opacity": 0, "circle-stroke-width": 2 * scaleNow(), "circle-stroke-color": tokens.info },
  });
}

/** Ring the chosen case; null: none. */
export function markCase(map, number) {
  map.setFilter("case-chosen", ["==", ["get", "number"], number ?? ""]);
}

/** `cases`: [{ number, state, lon, lat }], an ended one's state being “ended”; those without a place are left out. */
export function drawCases(map, cases) {
  const features = cases
    .filter((one) => one.lon !== null && DRAWN.includes(one.state))
    .map((one) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [one.lon, one.lat] },
      properties: { number: one.number, state: one.state, rank: -DRAWN.indexOf(one.state) },
    }));
  map.getSource("cases")?.setData({ type: "FeatureCollection", features });
}
