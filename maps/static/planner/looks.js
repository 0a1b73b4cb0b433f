// How things look on the planner's map, from the tokens of the page.
const { Fill, Stroke, Style, Text, Circle, RegularShape } = ol.style;

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A colour of the tokens as seen through. */
const thin = (name, alpha) => token(name) + Math.round(alpha * 255).toString(16).padStart(2, "0");

/** Lines across, so that a change is told by more than its colour. */
function hatch(name, { cross = false } = {}) {
  const canvas = document.createElement("canvas");
  const size = 8;
  canvas.width = size;
  canvas.height = size;
  const pen = canvas.getContext("2d");
  pen.fillStyle = thin(name, 0.12);
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = thin(name, 0.55);
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
    if (cross) pen.moveTo(shift, 0), pen.lineTo(shift + size, size);
  }
  pen.stroke();
  return pen.createPattern(canvas, "repeat");
}

const line = (name, width, dash) => new Stroke({ color: token(name), width, lineDash: dash, lineJoin: "round" });
const font = () => `12px ${token("--font")}`;

const FILLS = {
  kept: () => thin("--unit-fill", 0.6),
  noded: () => thin("--unit-fill", 0.6),
  changed: () => hatch("--warn"),
  born: () => hatch("--good", { cross: true }),
  gone: () => hatch("--worker"),
  around: () => thin("--raised", 0.85),
};
const fills = new Map();
function fill(name) {
  if (!fills.has(name)) fills.set(name, new Fill({ color: FILLS[name]() }));
  return fills.get(name);
}

function label(text) {
  return new Text({
    text,
    font: font(),
    overflow: false,
    fill: new Fill({ color: token("--unit-label") }),
    stroke: new Stroke({ color: token("--panel"), width: 3 }),
  });
}

/** The name where there is room for it, else the end of the code. */
function shortName(feature, wide) {
  const name = feature.get("name");
  return name.length * 12 < wide - 8 ? name : `…${feature.get("code").slice(-4)}`;
}

/** A unit of the plan: how it changed, whether it may be drawn; named where there is room. */
export function unitStyle(feature, resolution) {
  const change = feature.get("change");
  const editable = feature.get("editable");
  const dedicated = feature.get("kind") === "dedicated";
  const wide = ol.extent.getWidth(feature.getGeometry().getExtent()) / resolution;
  if (wide < FAR && (change === "changed" || change === "born")) return farStyle(feature, change);
  return new Style({
    fill: dedicated ? undefined : fill(editable ? change : "around"),
    stroke: line(editable ? "--unit-label" : "--unit-line", editable ? 1.25 : 1, dedicated ? [4, 3] : undefined),
    text: wide > 48 && !dedicated ? label(shortName(feature, wide)) : undefined,
    zIndex: dedicated ? 1 : 0,
  });
}

/** From so far away that its hatching says nothing, a unit that the plan changes is a dot: square for one that is born. */
const FAR = 24;
function farStyle(feature, change) {
  const [name, ink] = change === "born" ? ["--good", "--good-ink"] : ["--warn", "--warn-ink"];
  const mark = { radius: change === "born" ? 6 : 5, fill: new Fill({ color: token(name) }), stroke: line(ink, 1.5) };
  return new Style({
    geometry: new ol.geom.Point(ol.extent.getCenter(feature.getGeometry().getExtent())),
    image: change === "born" ? new RegularShape({ ...mark, points: 4, angle: Math.PI / 4 }) : new Circle(mark),
    zIndex: 2,
  });
}

/** A unit of the published ground around and above, by the depth of its level: the higher, the thicker. */
export function tileStyle(depth, deepest) {
  const thinnest = new Stroke({ color: thin("--unit-line", 0.6), width: 0.75 });
  return new Style({ stroke: depth === deepest ? thinnest : line("--unit-line", Math.max(1, 4 - depth)) });
}

/** A block to be painted: bare, its taker's own, or painted. */
export function blockStyle(feature) {
  const painted = feature.get("painted");
  const own = feature.get("own");
  return new Style({
    fill: painted ? fill("born") : new Fill({ color: thin("--info", own ? 0.18 : 0) }),
    stroke: line(painted ? "--good-ink" : "--unit-line", painted ? 2 : 1, painted ? undefined : [2, 3]),
    zIndex: painted ? 1 : 0,
  });
}

export const streetStyle = () => new Style({ stroke: line("--stale", 1, [1, 3]) });

export function chosenStyle(feature) {
  return [
    new Style({ stroke: line("--panel", 6) }),
    new Style({
      stroke: line("--info-ink", 3),
      fill: new Fill({ color: thin("--info", 0.12) }),
      text: new Text({
        text: feature.get("order"),
        font: `600 ${font()}`,
        offsetY: -18,
        fill: new Fill({ color: token("--panel") }),
        backgroundFill: new Fill({ color: token("--info-ink") }),
        padding: [1, 5, 1, 5],
      }),
    }),
  ];
}

export function sketchStyle() {
  return [
    new Style({ stroke: line("--panel", 5) }),
    new Style({
      stroke: line("--info-ink", 2.5),
      fill: new Fill({ color: thin("--info", 0.15) }),
      image: new Circle({ radius: 5, fill: new Fill({ color: token("--info-ink") }), stroke: line("--panel", 2) }),
    }),
  ];
}

export function handleStyle() {
  return new Style({
    image: new RegularShape({
      points: 4,
      radius: 9,
      angle: Math.PI / 4,
      fill: new Fill({ color: token("--panel") }),
      stroke: line("--info-ink", 3),
    }),
  });
}

/** What is wrong with a unit as a whole is a mark on it; elsewhere the place itself is drawn too. */
export function findingStyle(feature) {
  const name = feature.get("severity") === "error" ? "--worker" : "--warn";
  return new Style({
    stroke: line(name, 3),
    fill: new Fill({ color: thin(name, 0.3) }),
    image: new RegularShape({
      points: 3,
      radius: 9,
      displacement: [0, feature.get("whole") ? 16 : 0],
      fill: new Fill({ color: token(name) }),
      stroke: line("--panel", 2),
    }),
  });
}

/** What an edition changed: the ground that moved, units born, ended, or only named anew. */
export function changeStyle(feature, resolution) {
  const kinds = feature.get("kinds");
  if (feature.get("follows")) return undefined;
  if (feature.get("part") === "moved") return new Style({ fill: fill("changed"), zIndex: 2 });
  const name = kinds.includes("born") || kinds.includes("revived") ? "born" : kinds.includes("gone") ? "gone" : null;
  const drawn = kinds.includes("geometry");
  const named = kinds.includes("rename") || kinds.includes("recode");
  const wide = ol.extent.getWidth(feature.getGeometry().getExtent()) / resolution;
  return new Style({
    fill: name ? fill(name) : undefined,
    stroke: line(name === "gone" ? "--worker-ink" : name ? "--good-ink" : drawn ? "--warn-ink" : "--info-ink", 2, named && !drawn ? [2, 4] : name === "gone" ? [6, 4] : undefined),
    text: wide > 64 ? label(named ? `${feature.get("was_name")} → ${feature.get("name")}` : feature.get("name")) : undefined,
    zIndex: named ? 3 : 1,
  });
}
