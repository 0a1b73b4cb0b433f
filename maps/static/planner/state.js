// What the planner shows, kept in the address: a link or a reload brings the same view, Back the one before.
// `plan`: number of the open plan; `view`: "history" for the editions; `edition`: its number; `unit`: id whose life is shown;
// `tab`: of the plan; `at`: zoom/lat/lon where somebody moved the map to.
const KEYS = ["network", "plan", "view", "edition", "unit", "tab", "at"];

const listeners = new Set();
let state = read();

function read() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(KEYS.map((key) => [key, query.get(key)]));
}

function address(wanted) {
  const query = new URLSearchParams();
  for (const key of KEYS) if (wanted[key]) query.set(key, wanted[key]);
  const text = query.toString().replaceAll("%2F", "/");
  return text ? `${location.pathname}?${text}` : location.pathname;
}

export const now = () => state;

/** Change something; a step Back undoes it. */
export function go(change) {
  const before = state;
  const moves = ["network", "plan", "view"].some((key) => key in change && change[key] !== state[key]);
  state = { ...state, ...(moves ? { at: null } : {}), ...change };
  if (address(state) === address(before)) return;
  history.pushState(null, "", address(state));
  for (const listener of listeners) listener(state, before);
}

/** Note in the address what the view itself brought about: nobody is told, and Back does not stop there. */
export function note(change) {
  state = { ...state, ...change };
  history.replaceState(null, "", address(state));
}

/** `listener(state, before)` after every change, also by Back and Forward. */
export function onChange(listener) {
  listeners.add(listener);
}

addEventListener("popstate", () => {
  const before = state;
  state = read();
  for (const listener of listeners) listener(state, before);
});
