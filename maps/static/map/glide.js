// Who stands where, and how each glides from fix to fix. A dot stops at the last one: nothing runs ahead of what was received.

const LONGEST_GLIDE_MS = 15_000;
const FARTHEST_GLIDE = 2e-4; // of the world's width, about 8 km: farther is a jump, not a walk

/** id → { dot, from, to, since, until }: positions as shares of the world's width; `to` null: nobody knows where. */
export const held = new Map();

/** Everything anew; those who are not in it any more are gone. */
export function keepOnly(dots) {
  const kept = new Set(dots.map((dot) => dot.id));
  for (const id of held.keys()) if (!kept.has(id)) held.delete(id);
}

/** Take a dot's newest word. `moves`: false where motion is not wanted. */
export function place(dot, now, moves) {
  const before = held.get(dot.id);
  if (dot.lon === null || dot.lon === undefined) return void held.set(dot.id, { dot, to: null });
  if (before?.to && before.dot.fixed_at === dot.fixed_at) {
    before.dot = dot; // same fix, other state: let it arrive
    return;
  }
  const to = project(dot.lon, dot.lat);
  const from = before?.to ? where(before, now) : to;
  const moved = Math.hypot(to.x - from.x, to.y - from.y);
  const glides = moves && moved > 0 && moved < FARTHEST_GLIDE;
  const between = before?.to ? Date.parse(dot.fixed_at) - Date.parse(before.dot.fixed_at) : 0;
  const time = glides ? Math.min(LONGEST_GLIDE_MS, Math.max(1000, between)) : 0;
  held.set(dot.id, { dot, from: time ? from : to, to, since: now, until: now + time });
}

/** Longitude and latitude as shares of the world's width and height, north up. */
export function project(lon, lat) {
  const y = Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360));
  return { x: (lon + 180) / 360, y: (1 - y / Math.PI) / 2 };
}

export function unproject({ x, y }) {
  return [x * 360 - 180, (Math.atan(Math.exp((1 - 2 * y) * Math.PI)) * 360) / Math.PI - 90];
}

export function where(item, now) {
  if (now >= item.until) return item.to;
  const share = (now - item.since) / (item.until - item.since);
  return { x: item.from.x + (item.to.x - item.from.x) * share, y: item.from.y + (item.to.y - item.from.y) * share };
}
