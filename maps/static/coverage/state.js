// What the page shows, kept in the address: a link or a reload brings the same view, Back the one before.
// `show`: share or age; `tab`: units, cold, people, cases or notes; `person` and `on`: whose day, `part`: what of it; `proof`: a
// unit whose fixes are shown, `prove`: of which measure, if not the page's, `page`: of its units; `cases`: 1 with their pins.
const KEYS = ["network", "unit", "level", "from", "to", "measure", "show", "tab", "role", "person", "on", "part", "proof", "prove", "page", "cases"];
const listeners = new Set();
let state = read();

function read() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(KEYS.map((key) => [key, query.get(key) || null]));
}

function address(of) {
  const query = new URLSearchParams(KEYS.filter((key) => of[key]).map((key) => [key, of[key]]));
  const text = query.toString();
  return text ? `${location.pathname}?${text}` : location.pathname;
}

export const now = () => state;

/** Change something; a step Back undoes it. */
export function go(change) {
  const before = state;
  const next = { ...state, ...change };
  if (["proof", "prove", "measure", "on", "from", "to"].some((key) => next[key] !== state[key])) next.page = change.page ?? null;
  if (address(next) === address(state)) return;
  state = next;
  history.pushState(null, "", address(next));
  for (const listener of listeners) listener(state, before);
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
