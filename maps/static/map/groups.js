// People who would lie on one another when the whole city is seen: one circle with their number.

const CELL_PX = 72;
const FEWEST = 3;
const MOST_APART = 600; // with fewer dots than this, none is hidden in a group
const BELOW_ZOOM = 12.5;

/** Whether dots are grouped: far out, and many of them. */
export const isCrowded = (zoom, count) => zoom < BELOW_ZOOM && count > MOST_APART;

/** Fewer than this stand apart. */
export const isGroup = ({ count }) => count >= FEWEST;

/** The radius of a group's circle in CSS pixels. */
export const groupRadius = (count, rem) => rem * Math.min(26, 11 + 3.2 * Math.log10(count) ** 1.6);

/**
 * Groups of items that share a cell of the screen: [{ key, items, count, moving, x, y }], also of one or two, which are none.
 * Cells hang on the ground, not on the view, so that panning changes nothing.
 */
export function groupItems(items, zoom, rem) {
  const world = 512 * 2 ** (Math.floor(zoom * 2) / 2);
  const cell = (CELL_PX * rem) / world;
  const found = new Map();
  for (const item of items) {
    const key = `${Math.floor(item.to.x / cell)} ${Math.floor(item.to.y / cell)}`;
    let group = found.get(key);
    if (!group) found.set(key, (group = { key, items: [], count: 0, moving: 0, x: 0, y: 0 }));
    group.items.push(item);
  }
  const groups = [...found.values()];
  for (const group of groups) measure(group);
  return mergeTouching(groups, world, rem);
}

function measure(group) {
  group.count = group.items.length;
  group.moving = group.x = group.y = 0;
  for (const { dot, to } of group.items) {
    if (dot.state === "moving") group.moving += 1;
    group.x += to.x / group.count;
    group.y += to.y / group.count;
  }
}

/** Circles that would overlap become one, the smaller joining the larger. */
function mergeTouching(groups, world, rem) {
  const kept = [];
  for (const group of groups.sort((one, other) => other.count - one.count || (one.key < other.key ? -1 : 1))) {
    const radius = groupRadius(group.count, rem);
    const near = kept.find((one) => Math.hypot(one.x - group.x, one.y - group.y) * world < groupRadius(one.count, rem) + radius);
    if (near) near.items.push(...group.items);
    else kept.push(group);
  }
  for (const group of kept) if (group.items.length !== group.count) measure(group);
  return kept;
}
