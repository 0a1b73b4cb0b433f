// A person's day from the service, cut into pieces that can fade.
import { get } from "../door.js";

const PIECE = 8; // fixes in a piece of line: fine enough to fade evenly

/** Today's trail, or that of `on`, looked at for the reason `why`: { fixes, length_m, stays, gaps, from, to, features, bbox, runs }, a run being the fixes of a segment [{ at, time }]. */
export async function readTrail(person, on = null, why = null) {
  const query = new URLSearchParams({ person, ...(on ? { on } : {}), ...(why ? { why } : {}) });
  const day = await get(`/v1/trails?${query}`);
  const of = (kind) => day.features.filter((feature) => feature.properties.kind === kind);
  const fixes = of("fix");
  const times = fixes.map((fix) => Date.parse(fix.properties.at));
  // Fixes come by device, so the last one need not be the newest.
  const [from, to] = times.length ? [least(times), most(times)] : [];
  const newness = (time) => (to > from ? (time - from) / (to - from) : 1);
  return {
    fixes: day.fixes,
    length_m: day.moved_m,
    stays: day.stays,
    gaps: day.gaps,
    from,
    to,
    bbox: boundsOfFixes(fixes),
    runs: runsOf(of("segment"), fixes, times),
    features: [
      ...of("gap").map(({ geometry, properties }) => feature("LineString", geometry.coordinates, { kind: "gap", ...properties })),
      ...pieces(of("segment"), fixes, times, newness),
      ...of("stay"),
      ...fixes.map((fix, index) => feature("Point", fix.geometry.coordinates, { kind: "fix", time: times[index], newness: newness(times[index]) })),
    ],
  };
}

function runsOf(segments, fixes, times) {
  const runs = [];
  for (const { line, first } of found(segments, fixes, times)) runs.push(line.map((at, index) => ({ at, time: times[first + index] })));
  return runs.sort((one, other) => one[0].time - other[0].time);
}

/** The segments alone: between two of them lies a gap, or the next device begins, and there is no line. */
function* pieces(segments, fixes, times, newness) {
  for (const { line, first } of found(segments, fixes, times)) {
    for (let start = 0; start < line.length - 1; start += PIECE - 1) {
      const end = Math.min(start + PIECE, line.length) - 1;
      yield feature("LineString", line.slice(start, end + 1), { kind: "line", newness: newness(times[first + end]) });
    }
  }
}

/** Each segment's line, and where its fixes begin among all. */
function* found(segments, fixes, times) {
  let first = 0;
  for (const { geometry, properties } of segments) {
    const line = geometry.coordinates;
    const since = Date.parse(properties.since);
    const begins = (index) => times[index] === since && String(fixes[index].geometry.coordinates) === String(line[0]);
    while (first < fixes.length && !begins(first)) first++;
    yield { line, first };
    first += line.length;
  }
}

const feature = (type, coordinates, properties) => ({ type: "Feature", geometry: { type, coordinates }, properties });

const least = (values) => values.reduce((one, other) => Math.min(one, other));
const most = (values) => values.reduce((one, other) => Math.max(one, other));

function boundsOfFixes(fixes) {
  if (!fixes.length) return null;
  const lons = fixes.map((fix) => fix.geometry.coordinates[0]);
  const lats = fixes.map((fix) => fix.geometry.coordinates[1]);
  return [least(lons), least(lats), most(lons), most(lats)];
}
