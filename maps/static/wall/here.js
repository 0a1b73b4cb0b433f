// What the modules of the wall share: where it stands, and a word to one another when that changes.

/**
 * `place`: of `openUnit`, null before the first; `asOf`: the instant the feed spoke of last; `map`: null without WebGL;
 * `hasBase`, `credit`: whether there is a background, and whose.
 */
export const here = { map: null, networks: [], place: null, asOf: null, hasBase: false, credit: "" };

/** What this account may see, as the page was told. */
export const sees = document.body.dataset;

const listeners = new Map();

/**
 * `on("arrived", act)` hears every tell("arrived", …):
 * arrived (place) · frame ({ people, gone, isSnapshot }) · alerts (alerts) · cases ({ cases, total, byUnit }) · connection (state).
 */
export function on(signal, act) {
  if (!listeners.has(signal)) listeners.set(signal, []);
  listeners.get(signal).push(act);
}

export function tell(signal, ...values) {
  for (const act of listeners.get(signal) ?? []) act(...values);
}
