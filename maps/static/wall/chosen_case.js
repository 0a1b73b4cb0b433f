// Open cases on the map and in the figures, and the chosen one in full.
import { drawCases, markCase } from "../map/cases.js";
import { readCase, readCases } from "./cases.js";
import { showCasePanel } from "./chosen/case_panel.js";
import { forgetNearest } from "./chosen/nearest.js";
import { lookAt } from "./going.js";
import { here, sees, tell } from "./here.js";
import { go, now as stateNow } from "./state.js";

const AWAITED_MS = 4000;
const AGAIN_MS = 6000;

let timer = 0;
let open = { cases: null, total: null, byUnit: null };

/** { cases, total, byUnit }: open cases of where we are, and by unit id; nulls before they were read. */
export const openTotals = () => open;

export async function loadCases() {
  if (sees.cases !== "yes") return;
  const asked = here.place;
  const read = await readCases(asked).catch(() => null);
  if (!read || asked !== here.place) return;
  open = read;
  if (here.map) drawCases(here.map, open.cases);
  tell("cases", open);
}

/** Show the case the address names; null: none. `goThere`: the camera too, as when the page opens with it. */
export async function chooseCase(number, goThere = false) {
  clearTimeout(timer);
  forgetNearest();
  if (here.map) markCase(here.map, number);
  const one = number ? await showChosenCase(number) : null;
  if (goThere && one && one.lon !== null) lookAt([one.lon, one.lat]);
}

/** Read and show it, and again while it is chosen: somebody else moves it along, or the worker takes it on. */
async function showChosenCase(number) {
  clearTimeout(timer);
  const one = await readCase(number).catch((error) => ({ number, problem: error.message }));
  if (stateNow().case !== number) return null;
  showCasePanel(one, async () => {
    await Promise.all([showChosenCase(number), loadCases()]);
  });
  const isAwaited = one.state === "assigned" && !one.acknowledged_at;
  timer = setTimeout(showChosenCase, isAwaited ? AWAITED_MS : AGAIN_MS, number);
  return one.problem ? null : one;
}

export const toCase = (number) => go({ case: number, person: null });

/** Choose a case of the list and bring the camera there. */
export function lookAtCase(number) {
  toCase(number);
  const one = open.cases?.find((each) => each.number === number);
  if (one) lookAt([one.lon, one.lat]);
}
