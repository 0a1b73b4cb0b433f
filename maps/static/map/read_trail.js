// A person's day from the service, cut into pieces that can fade.
import { get } from "../door.js";

const PIECE = 8; // fixes in a piece of line: fine enough to fade evenly

/** Today's trail, or that of `on`: { fixes, length_m, stays, gaps, from, to, features, bbox }. */
export async function readTrail(person, on = null) {
  const query = new URLSearchParams({ person, ...(on ? { on } : {}) });
  const day = await get(`/v1/trails?${query}`);
  const of = (kind) => day.features.filter((feature) => feature.properties.kind === kind);
  const fixes = of("fix");
  const times = fixes.map((fix) => Date.parse(fix.properties.at));
  const [from, to] = [times[0], times[times.length - 1]];
  const newness = (time) => (to > from ? (time - from) / (to - from) : 1);
  const breaks = new Set(of("gap").map((gap) => Date.parse(gap.properties.since)));
  return {
    fixes: day.fixes,
    length_m: day.moved_m,
    stays: day.stays,
    gaps: day.gaps,
    from,
    to,
    bbox: boundsOfFixes(fixes),
    features: [
      ...of("gap").map(({ geometry, properties }) => feature("LineString", geometry.coordinates, { kind: "gap", ...properties })),
      ...pieces(fixes, times, breaks, newness),
      ...of("stay"),
      ...fixes.map((fix, index) => feature("Point", fix.geometry.coordinates, { kind: "fix", newness: newness(times[index]) })),
    ],
  };
}

function* pieces(fixes, times, breaks, newness) {
  let line = [];
  for (const [index, fix] of fixes.entries()) {
    line.push(fix.geometry.coordinates);
    const ends = breaks.has(times[index]) || index === fixes.length - 1;
    if (!ends && line.length < PIECE) continue;
    if (line.length > 1) yield feature("LineString", line, { kind: "line", newness: newness(times[index]) });
    line = ends ? [] : [fix.geometry.coordinates];
  }
}

const feature = (type, coordinates, properties) => ({ type: "Feature", geometry: { type, coordinates }, properties });

function boundsOfFixes(fixes) {
  if (!fixes.length) return null;
  const lons = fixes.map((fix) => fix.geometry.coordinates[0]);
  const lats = fixes.map((fix) => fix.geometry.coordinates[1]);
  const least = (values) => values.reduce((one, other) => Math.min(one, other));
  const most = (values) => values.reduce((one, other) => Math.max(one, other));
  return [least(lons), least(lats), most(lons), most(lats)];
}
