// Workers as dots on a canvas above the map: filled = moving, ring = still, open ring = late, grey ring with age = stale.
// A dot glides from fix to fix and stops at the last one; it never runs ahead of what was received.
import { age } from "../format.js";
import { stillness } from "./frame.js";
import { labelFont, readTokens } from "./theme.js";

const LONGEST_GLIDE_MS = 15_000;
const FARTHEST_GLIDE = 2e-4; // of the world's width, about 8 km: farther is a jump, not a walk
const NAMES_FROM_ZOOM = 15;
const MOST_TEXTS = 80;
const HIT_PX = 14;

const held = new Map();
let map;
let canvas;
let paint;
let tokens;
let selected = null;
let hovered = null;
let visible = true;
let pending = 0;
let drawnAt = 0;

export function startDots(target) {
  map = target;
  tokens = readTokens();
  canvas = document.createElement("canvas");
  canvas.className = "dots";
  canvas.setAttribute("aria-hidden", "true");
  map.getCanvasContainer().append(canvas);
  paint = canvas.getContext("2d");
  map.on("render", draw);
  map.on("resize", fit);
  fit();
  // The ages beside stale dots grow even when nobody moves.
  setInterval(() => wake(true), 15_000);
}

/** Everything anew: a snapshot. */
export function replaceDots(dots) {
  const kept = new Set(dots.map((dot) => dot.id));
  for (const id of held.keys()) if (!kept.has(id)) held.delete(id);
  updateDots(dots, []);
}

/** What changed: dots new or moved, and the ids that left. */
export function updateDots(dots, gone) {
  const now = performance.now();
  for (const dot of dots) place(dot, now);
  for (const id of gone) held.delete(id);
  wake(true);
}

function place(dot, now) {
  const before = held.get(dot.id);
  if (dot.lon === null || dot.lon === undefined) return void held.set(dot.id, { dot, to: null });
  const to = project(dot.lon, dot.lat);
  const from = before?.to ? where(before, now) : to;
  const moved = Math.hypot(to.x - from.x, to.y - from.y);
  const glides = before?.to && moved > 0 && moved < FARTHEST_GLIDE && !stillness.matches;
  if (before?.to && before.dot.fixed_at === dot.fixed_at && before.until > now) {
    return void held.set(dot.id, { ...before, dot }); // same fix, other state: let it arrive
  }
  const between = before?.to ? Date.parse(dot.fixed_at) - Date.parse(before.dot.fixed_at) : 0;
  const time = glides ? Math.min(LONGEST_GLIDE_MS, Math.max(1000, between)) : 0;
  held.set(dot.id, { dot, from, to, since: now, until: now + time });
}

function project(lon, lat) {
  const y = Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360));
  return { x: (lon + 180) / 360, y: (1 - y / Math.PI) / 2 };
}

function where(item, now) {
  if (now >= item.until) return item.to;
  const share = (now - item.since) / (item.until - item.since);
  return { x: item.from.x + (item.to.x - item.from.x) * share, y: item.from.y + (item.to.y - item.from.y) * share };
}

/** Show or hide all dots. */
export function showDots(on) {
  visible = on;
  wake(true);
}

export function selectDot(id) {
  selected = id;
  wake(true);
}

/** The map shows what was, not what is: everything greyed. */
export function greyDots(on) {
  canvas?.classList.toggle("old", on);
}

/** The dots as they stand on the screen now: for choosing by pointer, and for tests. */
export function drawnDots() {
  const view = viewNow();
  const now = performance.now();
  return [...held.values()].filter((item) => item.to).map((item) => ({ ...item.dot, ...view(where(item, now)) }));
}

/** The nearest dot within reach of a screen point, or null. */
export function dotAt(point) {
  if (!visible) return null;
  let best = null;
  let nearest = HIT_PX;
  for (const drawn of drawnDots()) {
    const distance = Math.hypot(drawn.x - point.x, drawn.y - point.y);
    if (distance < nearest) [best, nearest] = [drawn, distance];
  }
  return best;
}

export function hoverDot(id) {
  if (hovered === id) return;
  hovered = id;
  wake(true);
}

export const dotCoordinates = (id) => {
  const item = held.get(id);
  return item?.to ? [item.dot.lon, item.dot.lat] : null;
};

function fit() {
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  const ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  sprites.clear();
  draw();
}

function viewNow() {
  const centre = map.getCenter();
  const middle = project(centre.lng, centre.lat);
  const world = 512 * 2 ** map.getZoom();
  const origin = map.project(centre);
  return ({ x, y }) => ({ x: (x - middle.x) * world + origin.x, y: (y - middle.y) * world + origin.y });
}

/** Redraw soon. The pace follows the pixels a vehicle covers: slow when the whole city is seen. */
function wake(soon = false) {
  if (pending || !canvas) return;
  const metresPerPixel = (40_075_017 * Math.cos((map.getCenter().lat * Math.PI) / 180)) / (512 * 2 ** map.getZoom());
  const pace = Math.min(500, Math.max(33, (250 * metresPerPixel) / 15));
  const wait = soon ? 0 : Math.max(0, pace - (performance.now() - drawnAt));
  pending = setTimeout(() => requestAnimationFrame(draw), wait);
}

function draw() {
  clearTimeout(pending);
  pending = 0;
  const now = performance.now();
  drawnAt = now;
  const ratio = devicePixelRatio || 1;
  paint.setTransform(ratio, 0, 0, ratio, 0, 0);
  paint.clearRect(0, 0, canvas.width, canvas.height);
  if (!visible || held.size === 0) return;
  const gliding = drawAll(now);
  if (gliding) wake();
}

function drawAll(now) {
  const view = viewNow();
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  const radius = dotRadius(map.getZoom());
  let gliding = false;
  const texts = [];
  for (const item of inDrawingOrder()) {
    if (item.until > now) gliding = true;
    const { x, y } = view(where(item, now));
    if (x < -20 || y < -20 || x > width + 20 || y > height + 20) continue;
    drawDot(item.dot, x, y, radius);
    const text = textOf(item.dot);
    if (text) texts.push([text, x + radius + 4, y]);
  }
  if (texts.length <= MOST_TEXTS) for (const text of texts) drawText(...text);
  else for (const text of texts.slice(-2)) drawText(...text);
  return gliding;
}

const rank = { silent: 0, stale: 1, late: 2, unconfirmed: 3, still: 3, moving: 4 };

/** The living above the silent, the chosen above all. */
function inDrawingOrder() {
  const weight = ({ dot }) => (dot.id === selected ? 9 : dot.id === hovered ? 8 : (rank[dot.state] ?? 0));
  return [...held.values()].filter((item) => item.to).sort((a, b) => weight(a) - weight(b));
}

function rootPixels() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize);
}

function dotRadius(zoom) {
  const rem = (rootPixels() / 16) * (map.getContainer().clientWidth < 600 ? 0.75 : 1);
  return rem * Math.min(7.5, Math.max(3.75, 3.75 + (zoom - 11) * 0.75));
}

const isStale = (state) => state === "stale" || state === "silent";

function textOf(dot) {
  const named = dot.id === selected || dot.id === hovered || map.getZoom() >= NAMES_FROM_ZOOM;
  const old = isStale(dot.state) && dot.heard_at ? age((Date.now() - Date.parse(dot.heard_at)) / 1000) : "";
  if (named) return old ? `${dot.name} · ${old}` : dot.name;
  return map.getZoom() >= 12.5 ? old : "";
}

function drawText(text, x, y) {
  paint.font = `${0.75 * rootPixels()}px ${labelFont()}`;
  paint.textBaseline = "middle";
  paint.lineJoin = "round";
  paint.lineWidth = 3;
  paint.strokeStyle = tokens.ground;
  paint.fillStyle = tokens.text;
  paint.strokeText(text, x, y);
  paint.fillText(text, x, y);
}

function drawDot(dot, x, y, radius) {
  const chosen = dot.id === selected;
  if (chosen) {
    paint.beginPath();
    paint.arc(x, y, radius + 6, 0, 2 * Math.PI);
    paint.lineWidth = 2;
    paint.strokeStyle = tokens.info;
    paint.stroke();
  }
  const sprite = spriteOf(dot.state, chosen ? radius + 1.5 : radius);
  const size = sprite.width / (devicePixelRatio || 1);
  paint.drawImage(sprite, x - size / 2, y - size / 2, size, size);
}

const sprites = new Map();

/** The mark of a state, drawn once per size. */
function spriteOf(state, radius) {
  const key = `${state} ${radius.toFixed(2)}`;
  let sprite = sprites.get(key);
  if (!sprite) sprites.set(key, (sprite = drawMark(state, radius, tokens)));
  if (sprites.size > 200) sprites.clear();
  return sprite;
}

/** A canvas with the mark of a state; the legend shows the same drawing. */
export function drawMark(state, radius, colours = readTokens()) {
  const ratio = devicePixelRatio || 1;
  const half = radius + 3;
  const mark = document.createElement("canvas");
  mark.width = mark.height = Math.ceil(2 * half * ratio);
  mark.style.width = `${mark.width / ratio}px`;
  const pen = mark.getContext("2d");
  pen.scale(ratio, ratio);
  const middle = mark.width / ratio / 2;
  const arc = (size, end = 2 * Math.PI) => {
    pen.beginPath();
    pen.arc(middle, middle, size, 0, end);
  };
  arc(radius + 1.5);
  pen.fillStyle = colours.ground;
  pen.fill();
  if (state === "moving") {
    arc(radius);
    pen.fillStyle = colours.worker;
    pen.fill();
    return mark;
  }
  pen.lineWidth = Math.max(1.5, radius * 0.42);
  pen.strokeStyle = isStale(state) ? colours.stale : colours.worker;
  if (state === "unconfirmed") pen.setLineDash([radius * 0.6, radius * 0.45]);
  arc(radius - pen.lineWidth / 2 + 0.5, state === "late" ? 1.5 * Math.PI : 2 * Math.PI);
  pen.stroke();
  return mark;
}
