// Open cases of where we are.
import { get } from "../door.js";

export async function readCases(place) {
  const query = new URLSearchParams({ network: place.network.code, open: "true", ...(place.unit ? { unit: place.unit.code } : {}) });
  const { cases } = await get(`/v1/cases?${query}`);
  return cases;
}
