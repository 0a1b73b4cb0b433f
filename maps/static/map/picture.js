// What the layer of workers shows at this moment: marks, groups and labels, composed anew when something changed.
import { held, where } from "./glide.js";
import { groupItems, groupRadius, isCrowded, isGroup } from "./groups.js";
import { chooseLabels, drawText, textHeight, textOf, textWidth } from "./labels.js";
import { drawChosen, drawGroup, drawMark } from "./marks.js";
import { Quads } from "./quads.js";
import { Sheet } from "./sheet.js";
import { labelFont, readTokens } from "./theme.js";

const HIT_PX = 14;
const MARGIN_PX = 40;
const RANK = { silent: 0, stale: 1, late: 2, unconfirmed: 3, still: 4, moving: 5 };
const RANKS = 6;
const MOST_TEXTS = 600; // drawn ones kept for the next time

const attention = { selected: null, hovered: null, alarmed: new Set(), grouped: true };
const marks = { quads: new Quads(), sheet: new Sheet() };
const texts = { quads: new Quads(), sheet: new Sheet() };
const shown = { groups: [], hidden: new Set(), settlesAt: 0, fastest: 0, layers: [marks, texts] };
let rem = 1;
let radius = 0;
let tokens = null;
let narrow = false;

/** What is chosen, pointed at, alarmed or grouped; true when that changed something. */
export function watchFor(map, change = {}) {
  narrow = map.getContainer().clientWidth < 600;
  const differs = Object.entries(change).some(([key, value]) => attention[key] !== value);
  Object.assign(attention, change);
  return differs;
}

/** { groups, settlesAt: when nobody glides any more, fastest: share of the world a millisecond, layers }. */
export const composition = () => shown;

export const isHidden = (id) => shown.hidden.has(id);

/** Compose for a view: { middle, point, world, zoom, width, height, ratio } as of dots.js. */
export function composeDots(view, now) {
  look(view.zoom);
  if (texts.sheet.places.size > MOST_TEXTS) texts.sheet.clear();
  fill(view, now);
  const full = shown.layers.filter(({ sheet }) => sheet.isFull);
  if (full.length && full.every(({ sheet }) => sheet.grow())) fill(view, now);
}

function fill(view, now) {
  const single = groupFarOut(view, now);
  marks.quads.begin(view.middle, now);
  texts.quads.begin(view.middle, now);
  Object.assign(shown, { settlesAt: 0, fastest: 0 });
  const { rows, top } = inOrder(single, now, view);
  const labels = [];
  for (const row of rows) for (const item of row) addDot(item, view, now, labels);
  for (const one of shown.groups) addGroup(one);
  for (const item of top) addDot(item, view, now, labels);
  for (const { item, text, right } of chooseLabels(labels)) add(texts, item, text, () => drawText(text, rem, tokens), right);
}

/** Sizes of this moment; pictures of other sizes are forgotten. */
function look(zoom) {
  const root = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const scale = root * (narrow ? 0.75 : 1);
  const next = Math.round(4 * scale * Math.min(7.5, Math.max(3.75, 3.75 + (zoom - 11) * 0.75))) / 4;
  const ratio = devicePixelRatio || 1;
  if (next === radius && rem === root && shown.ratio === ratio) return;
  [radius, rem, shown.ratio, tokens] = [next, root, ratio, readTokens()];
  marks.sheet.clear();
  texts.sheet.clear();
}

/** Far out people are grouped; returns those who stand alone. */
function groupFarOut(view, now) {
  const all = [...held.values()].filter((item) => item.to);
  const before = new Map(shown.groups.map((one) => [one.key, one]));
  shown.hidden.clear();
  shown.groups = [];
  if (!attention.grouped || !isCrowded(view.zoom, all.length)) return all;
  const single = all.filter(({ dot }) => isSpecial(dot));
  for (const one of groupItems(all.filter(({ dot }) => !isSpecial(dot)), view.zoom, rem)) {
    if (isGroup(one)) shown.groups.push(glideOn(one, before.get(one.key), now));
    else single.push(...one.items);
  }
  return single;
}

function glideOn(one, before, now) {
  for (const { dot } of one.items) shown.hidden.add(dot.id);
  const to = { x: one.x, y: one.y };
  const from = before ? where(before, now) : to;
  return { key: one.key, count: one.count, moving: one.moving, from, to, since: now, until: before ? now + 1000 : now };
}

const isSpecial = (dot) => dot.id === attention.selected || attention.alarmed.has(dot.id);

/** Items in view by rank, the living above the silent; `top`: the pointed at, the chosen, and those who call for help. */
function inOrder(items, now, view) {
  const rows = Array.from({ length: RANKS }, () => []);
  const top = [];
  for (const item of items) {
    if (!isInView(item, view)) continue;
    if (item.until > now) {
      shown.settlesAt = Math.max(shown.settlesAt, item.until);
      const speed = Math.hypot(item.to.x - item.from.x, item.to.y - item.from.y) / (item.until - item.since);
      shown.fastest = Math.max(shown.fastest, speed);
    }
    const { dot } = item;
    if (isSpecial(dot) || dot.id === attention.hovered) top.push(item);
    else rows[RANK[dot.state] ?? 0].push(item);
  }
  const weight = ({ dot }) => (attention.alarmed.has(dot.id) ? 2 : dot.id === attention.selected ? 1 : 0);
  return { rows, top: top.sort((one, other) => weight(one) - weight(other)) };
}

function isInView({ from, to }, { middle, world, width, height }) {
  const right = width / 2 / world + MARGIN_PX / world;
  const down = height / 2 / world + MARGIN_PX / world;
  const near = (p) => Math.abs(p.x - middle.x) <= 1.5 * right && Math.abs(p.y - middle.y) <= 1.5 * down;
  return near(to) || near(from);
}

function addDot(item, view, now, labels) {
  const { dot } = item;
  const chosen = dot.id === attention.selected;
  const alarmed = attention.alarmed.has(dot.id);
  if (chosen) add(marks, item, "chosen", () => drawChosen(radius + (alarmed ? 8 : 0), tokens));
  const size = chosen ? radius + 1.5 : radius;
  const kind = alarmed ? "sos" : dot.state;
  add(marks, item, `${kind} ${size}`, () => drawMark(kind, size, tokens));
  const named = chosen || alarmed || dot.id === attention.hovered;
  const text = textOf(dot, view.zoom, named);
  if (text) labels.push(labelOf(item, text, { view, now, named, size: alarmed ? size + 9 : size }));
}

function labelOf(item, text, { view, now, named, size }) {
  const at = where(item, now);
  const width = textWidth(text, rem) + 6;
  const right = size + 2 + width / 2;
  return {
    id: item.dot.id,
    item,
    text,
    right,
    x: (at.x - view.middle.x) * view.world + right,
    y: (at.y - view.middle.y) * view.world,
    width,
    height: textHeight(rem),
    weight: named ? 100 : (RANK[item.dot.state] ?? 0),
  };
}

function addGroup(one) {
  const size = groupRadius(one.count, rem);
  const share = Math.round((24 * one.moving) / one.count);
  const font = `600 ${Math.max(12, 12 * rem)}px ${labelFont()}`;
  add(texts, one, `${one.count} ${share}`, () => drawGroup(one, size, font, tokens));
  if (one.until > shown.settlesAt) shown.settlesAt = one.until;
  const speed = Math.hypot(one.to.x - one.from.x, one.to.y - one.from.y) / 1000;
  shown.fastest = Math.max(shown.fastest, speed);
}

function add({ quads, sheet }, item, key, draw, right = 0) {
  const place = sheet.find(key, draw);
  if (place) quads.add(item, place, right);
}

/** What lies under a screen point: { dot } or { group } or null. */
export function pick(point, view, now) {
  const x = (point.x - view.point.x) / view.world + view.middle.x;
  const y = (point.y - view.point.y) / view.world + view.middle.y;
  let nearest = HIT_PX / view.world;
  let found = null;
  for (const item of held.values()) {
    if (!item.to || shown.hidden.has(item.dot.id)) continue;
    const at = where(item, now);
    const distance = Math.hypot(at.x - x, at.y - y);
    if (distance < nearest) [found, nearest] = [{ dot: item.dot }, distance];
  }
  if (found) return found;
  const group = shown.groups.find((one) => Math.hypot(one.to.x - x, one.to.y - y) * view.world < groupRadius(one.count, rem));
  return group ? { group } : null;
}
