// A stretch of one day, as the address has it: “08:00:00-09:30:00” by the city's clock.
import { clock, day, minute } from "../format.js";

/** “2026-06-10” and “08:30” or “08:30:15” of the city as an instant: what its clock shows is compared with what was meant. */
export function instantOf(on, time) {
  const wanted = Date.parse(`${on}T${time}Z`);
  const shown = Date.parse(`${day(wanted)}T${minute(wanted)}:${new Date(wanted).toISOString().slice(17, 19)}Z`);
  return new Date(2 * wanted - shown).toISOString();
}

export const writeStretch = ({ since, until }) => `${clock(since)}-${clock(until)}`;

/** { since, until } in milliseconds; null for none, or one that cannot be read. */
export function readStretch(on, text) {
  const [since, until] = /^\d\d:\d\d:\d\d-\d\d:\d\d:\d\d$/.test(text ?? "") ? text.split("-").map((time) => Date.parse(instantOf(on, time))) : [];
  return since < until ? { since, until } : null;
}

/** What of a trail lies in the stretch: its fixes, and lines between those that follow one another in a segment. No stretch: all. */
export function cutTrail({ features, runs }, stretch) {
  const inside = ({ time }) => !stretch || (time >= stretch.since && time <= stretch.until);
  const lines = runs.map((run) => run.filter(inside)).filter((run) => run.length > 1);
  return [
    ...lines.map((run) => ({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: run.map(({ at }) => at) } })),
    ...features.filter(({ properties }) => properties.kind === "fix" && inside(properties)),
  ];
}
