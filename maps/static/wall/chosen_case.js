// Open cases on the map and in the figures, and the chosen one in full.
import { drawCases, markCase } from "../map/cases.js";
import { readCase, readCases } from "./cases.js";
import { showCase } from "./detail.js";
import { here, sees, tell } from "./here.js";
import { go, now as stateNow } from "./state.js";

let open = { cases: [], total: 0, byUnit: new Map() };

/** { total, byUnit }: open cases of where we are, and by unit id. */
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

/** Show the case the address names; null: none. */
export async function chooseCase(number) {
  if (here.map) markCase(here.map, number);
  if (!number) return;
  const one = await readCase(number).catch((error) => ({ number, problem: error.message }));
  if (stateNow().case === number) showCase(one);
}

export const toCase = (number) => go({ case: number, person: null });
