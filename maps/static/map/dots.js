// Workers above the map, on a canvas of their own that is painted again only while somebody glides.
import { stillness } from "./frame.js";
import { held, keepOnly, place, project, unproject, where } from "./glide.js";
import { composeDots, composition, isHidden, pick, watchFor } from "./picture.js";
import { Raster } from "./raster.js";

export { drawMark } from "./marks.js";

const AGES_MS = 15_000;
const SLOWEST_MS = 500;
const FASTEST_MS = 16;
const STEP_PX = 0.25; // a dot moves on when it has this far to go

let map;
let canvas;
let raster;
let visible = true;
let pending = 0;
let stale = true;

export function startDots(target) {
  map = target;
  canvas = document.createElement("canvas");
  canvas.className = "dots";
  canvas.setAttribute("aria-hidden", "true");
  map.getCanvasContainer().append(canvas);
  raster = new Raster(canvas);
  map.on("render", paint);
  map.on("moveend", refresh);
  map.on("zoom", () => (stale = true));
  map.on("resize", fit);
  fit();
  // The ages beside stale dots grow even when nobody moves.
  setInterval(refresh, AGES_MS);
}

function fit() {
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  const ratio = devicePixelRatio || 1;
  raster.fit(width * ratio, height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  refresh();
}

/** Everything anew: a snapshot. */
export function replaceDots(dots) {
  keepOnly(dots);
  updateDots(dots, []);
}

/** What changed: dots new or moved, and the ids that left. */
export function updateDots(dots, gone) {
  const now = performance.now();
  const moves = !stillness.matches;
  for (const dot of dots) place(dot, now, moves);
  for (const id of gone) held.delete(id);
  refresh();
}

/** Show or hide all dots. */
export function showDots(on) {
  visible = on;
  refresh();
}

/** Whether people far out are grouped. */
export function groupDots(on) {
  watchFor({ grouped: on });
  refresh();
}

export function selectDot(id) {
  watchFor({ selected: id });
  refresh();
}

export function hoverDot(id) {
  if (watchFor({ hovered: id })) refresh();
}

/** Mark those who called for help: ids. They stand above all, in no group, with their names. */
export function alarmDots(ids) {
  watchFor({ alarmed: new Set(ids) });
  refresh();
}

/** These are named whatever the zoom: ids. */
export function nameDots(ids) {
  if (watchFor({ named: ids.filter(Boolean).join(" ") })) refresh();
}

/** The map shows what was, not what is: everything greyed. */
export function greyMap(on) {
  map?.getContainer().classList.toggle("old", on);
}

/** The dots as they stand on the screen now, those in groups left out. */
export function drawnDots() {
  const now = performance.now();
  const items = [...held.values()].filter((item) => item.to && !isHidden(item.dot.id));
  return items.map((item) => ({ ...item.dot, ...toScreen(where(item, now)) }));
}

/** The groups as they stand on the screen now: [{ count, moving, x, y }]. */
export function drawnGroups() {
  return composition().groups.map(({ count, moving, to }) => ({ count, moving, ...toScreen(to) }));
}

/** What a screen point means: { dot } or { group: { centre } } or null. */
export function markAt(point) {
  if (!visible) return null;
  const found = pick(point, viewNow(), performance.now());
  return found?.group ? { group: { ...found.group, centre: unproject(found.group.to) } } : found;
}

export const dotCoordinates = (id) => {
  const item = held.get(id);
  return item?.to ? unproject(where(item, performance.now())) : null;
};

function viewNow() {
  const centre = map.getCenter();
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  return {
    middle: project(centre.lng, centre.lat),
    point: map.project(centre),
    world: 512 * 2 ** map.getZoom(),
    zoom: map.getZoom(),
    ratio: devicePixelRatio || 1,
    width,
    height,
  };
}

function toScreen({ x, y }) {
  const { middle, world, point } = viewNow();
  return { x: (x - middle.x) * world + point.x, y: (y - middle.y) * world + point.y };
}

/** Something changed: compose and paint soon. */
function refresh() {
  stale = true;
  wake(0);
}

function wake(wait) {
  if (!raster) return;
  if (pending && wait > 0) return;
  clearTimeout(pending);
  pending = setTimeout(() => requestAnimationFrame(paint), wait);
}

function paint() {
  clearTimeout(pending);
  pending = 0;
  const isEmpty = !visible || held.size === 0;
  canvas.hidden = isEmpty;
  if (isEmpty) return;
  const now = performance.now();
  const view = viewNow();
  if (stale || hasPanned(view)) composeDots(view, now);
  stale = false;
  draw(view, now);
  const { settlesAt, fastest } = composition();
  if (now < settlesAt) wake(Math.min(SLOWEST_MS, Math.max(FASTEST_MS, STEP_PX / (fastest * view.world * view.ratio))));
}

function draw({ middle, point, world, ratio }, now) {
  const { dots, over } = composition();
  const scale = world * ratio;
  const left = point.x * ratio - middle.x * scale;
  const top = point.y * ratio - middle.y * scale;
  raster.begin();
  for (const { item, stamp } of dots) {
    const { from, to, since, until } = item;
    const share = now < until ? (now - since) / (until - since) : 1;
    raster.put(stamp, (from.x + (to.x - from.x) * share) * scale + left, (from.y + (to.y - from.y) * share) * scale + top);
  }
  raster.show();
  for (const { item, picture, right } of over) {
    const at = where(item, now);
    raster.draw(picture, at.x * scale + left + right * ratio, at.y * scale + top);
  }
}

/** What was composed reaches half a screen beyond the view. */
function hasPanned({ middle, world, width, height }) {
  const { origin } = composition();
  return Math.abs(middle.x - origin.x) * world > width / 4 || Math.abs(middle.y - origin.y) * world > height / 4;
}
