// Names and ages beside dots: the needed ones first, none over another, and those shown stay while they can.
import { age } from "../format.js";
import { isStale } from "./marks.js";
import { labelFont } from "./theme.js";

const NAMES_FROM_ZOOM = 15;
const AGES_FROM_ZOOM = 12.5;
const MOST = 120;
let before = new Set();

/** What stands beside a dot, or "". `isNamed`: chosen, pointed at, or calling for help. */
export function textOf(dot, zoom, isNamed) {
  const old = isStale(dot.state) && dot.heard_at ? age((Date.now() - Date.parse(dot.heard_at)) / 1000) : "";
  if (isNamed || zoom >= NAMES_FROM_ZOOM) return old ? `${dot.name} · ${old}` : dot.name;
  return zoom >= AGES_FROM_ZOOM ? old : "";
}

/** Those of `wanted` [{ id, text, x, y, width, height, weight }] that fit without touching; heavier first. */
export function chooseLabels(wanted) {
  const weight = (label) => label.weight + (before.has(label.id) ? 0.5 : 0);
  const chosen = [];
  for (const label of wanted.sort((one, other) => weight(other) - weight(one) || one.id - other.id)) {
    if (chosen.length >= MOST) break;
    if (!chosen.some((other) => touch(label, other))) chosen.push(label);
  }
  before = new Set(chosen.map((label) => label.id));
  return chosen;
}

const touch = (one, other) =>
  Math.abs(one.x - other.x) < (one.width + other.width) / 2 && Math.abs(one.y - other.y) < (one.height + other.height) / 2;

const ruler = document.createElement("canvas").getContext("2d");
const widths = new Map();

export function textWidth(text, rem) {
  const key = `${rem} ${text}`;
  if (!widths.has(key)) {
    if (widths.size > 5000) widths.clear();
    ruler.font = `${12 * rem}px ${labelFont()}`;
    widths.set(key, ruler.measureText(text).width);
  }
  return widths.get(key);
}

export const textHeight = (rem) => 16 * rem;

/** A canvas with the text and a halo of the ground around it. */
export function drawText(text, rem, colours) {
  const ratio = devicePixelRatio || 1;
  const picture = document.createElement("canvas");
  picture.width = Math.ceil((textWidth(text, rem) + 6) * ratio);
  picture.height = Math.ceil(textHeight(rem) * ratio);
  const pen = picture.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = `${12 * rem}px ${labelFont()}`;
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.lineWidth = 3;
  pen.strokeStyle = colours.ground;
  pen.fillStyle = colours.text;
  pen.strokeText(text, 3, picture.height / ratio / 2);
  pen.fillText(text, 3, picture.height / ratio / 2);
  return picture;
}
