// Open cases of where we are: their places, their counts, one in full.
import { get } from "../door.js";
import { CASE_STATES } from "../map/cases.js";

const MOST = 1000;

/** { cases: [{ number, category, state, rank, reported_at, lon, lat }], total, byUnit: Map of unit id → open cases }. */
export async function readCases(place) {
  const here = { network: place.network.code, ...(place.unit ? { unit: place.unit.code } : {}) };
  const wanted = new URLSearchParams({ ...(place.unit ? here : {}), format: "geojson", limit: MOST });
  for (const state of CASE_STATES) wanted.append("state", state);
  const [list, counts] = await Promise.all([get(`/v1/cases?${wanted}`), get(`/v1/case-counts?${new URLSearchParams(here)}`)]);
  const cases = list.features.map(({ geometry, properties }) => ({
    number: properties.number,
    category: properties.category,
    state: properties.state,
    rank: CASE_STATES.indexOf(properties.state),
    reported_at: properties.reported_at,
    lon: geometry.coordinates[0],
    lat: geometry.coordinates[1],
  }));
  return { cases, total: counts.open, byUnit: new Map(Object.entries(counts.by_unit)) };
}

export const readCase = (number) => get(`/v1/cases/${encodeURIComponent(number)}`);
