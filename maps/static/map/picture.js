// What is shown of the workers at this moment: marks, groups and labels, composed anew when something changed.
import { held, where } from "./glide.js";
import { groupItems, groupRadius, isCrowded, isGroup } from "./groups.js";
import { chooseLabels, drawText, textHeight, textOf, textWidth } from "./labels.js";
import { drawChosen, drawGroup, drawMark } from "./marks.js";
import { makeStamp } from "./raster.js";
import { labelFont, readTokens, scaleNow } from "./theme.js";

const HIT_PX = 14;
const MARGIN_PX = 40;
const RANK = { silent: 0, stale: 1, late: 2, unconfirmed: 3, still: 4, moving: 5 };
const RANKS = 6;
const MOST_KEPT = 800;

const attention = { selected: null, hovered: null, alarmed: new Set(), named: "", grouped: true };
const look = { rem: 1, radius: 0, ratio: 1, tokens: null, stamps: new Map(), pictures: new Map() };
let shown = { dots: [], groups: [], over: [], hidden: new Set(), settlesAt: 0, fastest: 0, origin: { x: 0, y: 0 }, named: new Set() };

/** What is chosen, pointed at, alarmed or grouped; true when that changed something. */
export function watchFor(change) {
  const differs = Object.entries(change).some(([key, value]) => attention[key] !== value);
  Object.assign(attention, change);
  return differs;
}

/**
 * { dots: [{ item, stamp }] from the lowest, over: [{ item, picture, right }] above them, groups,
 * settlesAt: when nobody glides any more, fastest: share of the world a millisecond, origin: the middle composed for }.
 */
export const composition = () => shown;

export const isHidden = (id) => shown.hidden.has(id);

/** Compose for a view: { middle, world, zoom, width, height, ratio } as of dots.js. */
export function composeDots(view, now) {
  measure(view);
  const before = new Map(shown.groups.map((one) => [one.key, one]));
  shown = { dots: [], groups: [], over: [], hidden: new Set(), settlesAt: 0, fastest: 0, origin: view.middle, named: new Set(attention.named.split(" ")) };
  const single = groupFarOut(view, before, now);
  const { rows, top } = inOrder(single, now, view);
  const labels = [];
  for (const row of rows) for (const item of row) addDot(item, view, now, labels);
  for (const one of shown.groups) addGroup(one, now);
  for (const item of top) addSpecial(item, view, now, labels);
  for (const { item, text, right } of chooseLabels(labels)) {
    shown.over.push({ item, picture: pictureOf(`text ${text}`, () => drawText(text, look.rem, look.tokens)), right });
  }
}

/** Sizes of this moment; marks of other sizes are forgotten. */
function measure({ zoom, ratio, width }) {
  const rem = scaleNow();
  const scale = rem * (width < 600 ? 0.75 : 1);
  const radius = Math.round(4 * scale * Math.min(7.5, Math.max(3.75, 3.75 + (zoom - 11) * 0.75))) / 4;
  const same = look.tokens && radius === look.radius && rem === look.rem && ratio === look.ratio;
  if (!same) {
    Object.assign(look, { rem, radius, ratio, tokens: readTokens() });
    look.stamps.clear();
  }
  if (!same || look.pictures.size > MOST_KEPT) look.pictures.clear();
}

/** Far out people are grouped; returns those who stand alone. */
function groupFarOut(view, before, now) {
  const all = [...held.values()].filter((item) => item.to);
  if (!attention.grouped || !isCrowded(view.zoom, all.length)) return all;
  const single = all.filter(({ dot }) => isSpecial(dot));
  for (const one of groupItems(all.filter(({ dot }) => !isSpecial(dot)), view.zoom, look.rem)) {
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
    if (item.until > now) noteGlide(item);
    const { dot } = item;
    if (isSpecial(dot) || dot.id === attention.hovered) top.push(item);
    else rows[RANK[dot.state] ?? 0].push(item);
  }
  const weight = ({ dot }) => (attention.alarmed.has(dot.id) ? 2 : dot.id === attention.selected ? 1 : 0);
  return { rows, top: top.sort((one, other) => weight(one) - weight(other)) };
}

function noteGlide({ from, to, since, until }) {
  shown.settlesAt = Math.max(shown.settlesAt, until);
  shown.fastest = Math.max(shown.fastest, Math.hypot(to.x - from.x, to.y - from.y) / (until - since));
}

/** Half a screen more than is seen, so that a short way of the camera needs no new composition. */
function isInView({ from, to }, { middle, world, width, height }) {
  const right = (width + MARGIN_PX) / world;
  const down = (height + MARGIN_PX) / world;
  const near = (p) => Math.abs(p.x - middle.x) <= right && Math.abs(p.y - middle.y) <= down;
  return near(to) || near(from);
}

function addDot(item, view, now, labels) {
  const { state } = item.dot;
  let stamp = look.stamps.get(state);
  if (!stamp) look.stamps.set(state, (stamp = makeStamp((shift) => drawMark(state, look.radius, look.tokens, shift))));
  shown.dots.push({ item, stamp });
  const named = shown.named.has(String(item.dot.id));
  const text = textOf(item.dot, view.zoom, named);
  if (text) labels.push(labelOf(item, text, { view, now, size: look.radius, named }));
}

function addSpecial(item, view, now, labels) {
  const { dot } = item;
  const chosen = dot.id === attention.selected;
  const alarmed = attention.alarmed.has(dot.id);
  const size = chosen ? look.radius + 1.5 : look.radius;
  const kind = alarmed ? "sos" : dot.state;
  const ring = look.radius + (alarmed ? 8 : 0);
  if (chosen) shown.over.push({ item, picture: pictureOf(`chosen ${ring}`, () => drawChosen(ring, look.tokens)), right: 0 });
  shown.over.push({ item, picture: pictureOf(`${kind} ${size}`, () => drawMark(kind, size, look.tokens)), right: 0 });
  labels.push(labelOf(item, textOf(dot, view.zoom, true), { view, now, size: alarmed ? size + 9 : size, named: true }));
}

function labelOf(item, text, { view, now, size, named }) {
  const at = where(item, now);
  const width = textWidth(text, look.rem) + 6;
  const right = size + 2 + width / 2;
  const x = (at.x - view.middle.x) * view.world + right;
  const y = (at.y - view.middle.y) * view.world;
  const isSeen = Math.abs(x) < view.width / 2 && Math.abs(y) < view.height / 2; // before those that only a pan would show
  return {
    id: item.dot.id,
    item,
    text,
    right,
    x,
    y,
    width,
    height: textHeight(look.rem),
    weight: (named ? 100 : RANKS - (RANK[item.dot.state] ?? 0)) + (isSeen ? RANKS : 0),
  };
}

function addGroup(one, now) {
  const size = groupRadius(one.count, look.rem);
  const share = Math.round((24 * one.moving) / one.count);
  const font = `600 ${Math.max(12, 12 * look.rem)}px ${labelFont()}`;
  const picture = pictureOf(`group ${one.count} ${share}`, () => drawGroup(one, size, font, look.tokens));
  shown.over.push({ item: one, picture, right: 0 });
  if (one.until > now) noteGlide(one);
}

function pictureOf(key, draw) {
  let picture = look.pictures.get(key);
  if (!picture) look.pictures.set(key, (picture = draw()));
  return picture;
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
    if (distance < nearest) [found, nearest] = [item.dot, distance];
  }
  if (found) return { dot: found };
  const group = shown.groups.find((one) => Math.hypot(one.to.x - x, one.to.y - y) * view.world < groupRadius(one.count, look.rem));
  return group ? { group } : null;
}
