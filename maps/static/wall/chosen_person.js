// The chosen person: detail, ring and trail.
import { dotCoordinates, selectDot } from "../map/dots.js";
import { readTrail } from "../map/read_trail.js";
import { drawTrail } from "../map/trail.js";
import { showPerson } from "./detail.js";
import { lookAt } from "./going.js";
import { here } from "./here.js";
import { byCode } from "./people.js";
import { go, now as stateNow } from "./state.js";

let trail = null;

/** Show who the address names; null: nobody. */
export async function choosePerson(code) {
  trail = null;
  if (here.map) drawTrail(here.map, null);
  selectDot(byCode(code)?.id ?? null);
  if (!code) return;
  showChosen(code);
  const read = await readTrail(code).catch((error) => ({ error: error.message, features: [] }));
  if (stateNow().person !== code) return;
  trail = read;
  showChosen(code);
  if (here.map) drawTrail(here.map, trail);
}

export function showChosen(code) {
  const dot = byCode(code);
  selectDot(dot?.id ?? null);
  showPerson(code, dot, trail);
}

export const toPerson = (code) => go({ person: code, case: null });

/** Choose somebody and bring the camera there. */
export function lookAtPerson(code) {
  toPerson(code);
  const dot = byCode(code);
  lookAt(dot && dotCoordinates(dot.id));
}
