// The last minutes of a trail: a line that fades with age, its gaps dashed, growing with every frame of the feed.

const PIECE = 8; // fixes in a piece of line: fine enough to fade evenly
const LEAST_GAP_MS = 120_000;

/**
 * A tail: runs of fixes between which nothing is known. `day`: of `readTrail`.
 * { runs: [[{ at: [lon, lat], time }]], stays }.
 */
export function tailOf(day) {
  return { runs: day.runs.map((run) => [...run]), stays: day.features.filter(({ properties }) => properties.kind === "stay") };
}

/** A fix from the feed; a gap before it where the device should have spoken sooner. Returns whether it was news. */
export function growTail(tail, dot) {
  if (dot.lon === null || dot.lon === undefined || !dot.fixed_at) return false;
  const time = Date.parse(dot.fixed_at);
  const run = tail.runs.at(-1);
  const last = run?.at(-1);
  if (last && time <= last.time) return false;
  const point = { at: [dot.lon, dot.lat], time };
  const longest = Math.max(LEAST_GAP_MS, 3000 * (dot.expected_s ?? 0));
  if (last && time - last.time <= longest) run.push(point);
  else tail.runs.push([point]);
  return true;
}

/** Forget what is older than `from`: a tail that is watched for days stays short. */
export function trimTail(tail, from) {
  for (const run of tail.runs) {
    const first = run.findIndex(({ time }) => time >= from);
    if (first > 1) run.splice(0, first - 1);
    else if (first === -1) run.splice(0, run.length - 1);
  }
  while (tail.runs.length > 1 && tail.runs[1][0].time < from) tail.runs.shift();
}

/** The tail in the map's terms (see trail.js) from an instant to `now`; all of it for `from` null. */
export function tailFeatures(tail, from, now) {
  const begin = from ?? tail.runs[0]?.[0]?.time ?? now;
  const newness = (time) => Math.min(1, Math.max(0, (time - begin) / Math.max(1, now - begin)));
  const features = [];
  let before = null;
  for (const whole of tail.runs) {
    const run = whole.filter(({ time }) => time >= begin);
    if (!run.length) continue;
    if (before) features.push(line([before, run[0]], { kind: "gap" }));
    for (let start = 0; start < run.length - 1; start += PIECE - 1) {
      const piece = run.slice(start, start + PIECE);
      features.push(line(piece, { kind: "line", newness: newness(piece.at(-1).time) }));
    }
    for (const { at, time } of run) features.push({ type: "Feature", geometry: { type: "Point", coordinates: at }, properties: { kind: "fix", newness: newness(time) } });
    before = run.at(-1);
  }
  return [...features, ...tail.stays.filter(({ properties }) => Date.parse(properties.until) >= begin)];
}

const line = (points, properties) => ({ type: "Feature", geometry: { type: "LineString", coordinates: points.map(({ at }) => at) }, properties });
