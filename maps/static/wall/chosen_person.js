// The chosen person: detail, ring and trail.
import { get } from "../door.js";
import { dotCoordinates, selectDot } from "../map/dots.js";
import { readTrail } from "../map/read_trail.js";
import { showPersonPanel } from "./chosen/person_panel.js";
import { lookAt } from "./going.js";
import { here } from "./here.js";
import { byCode } from "./people.js";
import { go, now as stateNow } from "./state.js";

const TODAY_MS = 60_000;

let trail = null;
let today = null;
let timer = 0;

/** Show who the address names; null: nobody. */
export async function choosePerson(code) {
  trail = today = null;
  clearTimeout(timer);
  selectDot(byCode(code)?.id ?? null);
  if (!code) return;
  showChosen(code);
  readToday(code);
  const read = await readTrail(code).catch((error) => ({ error: error.message, features: [] }));
  if (stateNow().person !== code) return;
  trail = read;
  showChosen(code);
}

export function showChosen(code) {
  const dot = byCode(code);
  selectDot(dot?.id ?? null);
  showPersonPanel(code, { dot, trail, today });
}

/** The day so far, and again every minute while the person is chosen. */
async function readToday(code) {
  const read = await get(`/v1/people/${encodeURIComponent(code)}/today`).catch((error) => ({ problem: error.message }));
  if (stateNow().person !== code) return;
  today = read;
  showChosen(code);
  timer = setTimeout(readToday, TODAY_MS, code);
}

export const toPerson = (code) => go({ person: code, case: null });

/** Choose somebody and bring the camera there. */
export function lookAtPerson(code) {
  toPerson(code);
  const dot = byCode(code);
  lookAt(dot && dotCoordinates(dot.id));
}
