// The way along a border from one place on it to another.
import { map } from "./ground.js";
import { unitsTouching } from "./choose.js";

const apart = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1]);

/** The places after `start` up to `end` along the shorter way of a ring that passes both; null when none does. */
export function borderWay(start, end) {
  const reach = 2 * map.getView().getResolution();
  const here = new Set(unitsTouching(end));
  let best = null;
  for (const unit of unitsTouching(start).filter((each) => here.has(each))) {
    for (const ring of unit.getGeometry().getCoordinates().flat()) {
      for (const way of ringWays(ring, start, end, reach)) {
        if (best === null || way.length < best.length) best = way;
      }
    }
  }
  return best === null ? null : best.places;
}

function ringWays(ring, start, end, reach) {
  const from = spotOn(ring, start);
  const to = spotOn(ring, end);
  if (from.away > reach || to.away > reach) return [];
  return [along(ring, from, to, start, end), along([...ring].reverse(), mirror(from, ring), mirror(to, ring), start, end)];
}

const mirror = (spot, ring) => ({ ...spot, segment: ring.length - 2 - spot.segment, share: 1 - spot.share });

function along(ring, from, to, start, end) {
  const count = ring.length - 1;
  const places = [];
  const ahead = to.segment > from.segment || (to.segment === from.segment && to.share >= from.share);
  const steps = ahead ? to.segment - from.segment : to.segment - from.segment + count;
  for (let step = 1; step <= steps; step += 1) places.push(ring[(from.segment + step) % count]);
  if (places.length && apart(places[0], start) === 0) places.shift();
  if (!places.length || apart(places.at(-1), end) > 0) places.push(end);
  let length = 0;
  let last = start;
  for (const each of places) {
    length += apart(last, each);
    last = each;
  }
  return { places, length };
}

/** The segment of a ring nearest to a place, and how far along it. */
export function spotOn(ring, place) {
  let best = { away: Infinity, segment: 0, share: 0 };
  for (let segment = 0; segment < ring.length - 1; segment += 1) {
    const [[x, y], [ex, ey]] = [ring[segment], ring[segment + 1]];
    const [dx, dy] = [ex - x, ey - y];
    const long = dx * dx + dy * dy;
    const share = long === 0 ? 0 : Math.min(1, Math.max(0, ((place[0] - x) * dx + (place[1] - y) * dy) / long));
    const away = apart(place, [x + share * dx, y + share * dy]);
    if (away < best.away) best = { away, segment, share };
  }
  return best;
}
