// What the wall shows, kept in the address: a link or a reload brings the same view, Back the one before.
// `follow`: "1" while the map keeps to the person; `trail`: minutes of it, none for the day; `sort`: column of the table;
// `kept`: people whose trails stay; `at`: zoom/lat/lon where somebody moved the map to; `kiosk`: figures, alerts and map alone.
const KEYS = ["network", "level", "unit", "person", "follow", "trail", "case", "list", "sort", "kept", "at", "kiosk"];
export const LAYERS = ["people", "groups", "trail", "cases", "hotspots", "names", "base"];
const SHOWN = ["people", "groups", "trail", "cases", "names", "base"];

const listeners = new Set();
let state = read();

function read() {
  const query = new URLSearchParams(location.search);
  const layers = query.has("layers") ? query.get("layers").split(",").filter((name) => LAYERS.includes(name)) : SHOWN;
  const plain = Object.fromEntries(KEYS.map((key) => [key, query.has(key) ? query.get(key) || "1" : null]));
  return { ...plain, layers };
}

function address({ layers, ...plain }) {
  const query = new URLSearchParams();
  for (const key of KEYS) if (plain[key]) query.set(key, plain[key]);
  const same = layers.length === SHOWN.length && SHOWN.every((name) => layers.includes(name));
  if (!same) query.set("layers", layers.join(","));
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%2F", "/");
  return text ? `${location.pathname}?${text}` : location.pathname;
}

export const now = () => state;

/** Change something; a step Back undoes it unless `quiet`. */
export function go(change, { quiet = false } = {}) {
  const before = state;
  const moves = ["network", "unit", "level"].some((key) => key in change);
  const next = { ...state, ...(moves ? { at: null } : {}), ...change };
  if (address(next) === address(state)) return;
  state = next;
  history[quiet ? "replaceState" : "pushState"](null, "", address(next));
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
