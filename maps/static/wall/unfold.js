// The live feed travels short: who people are once, and what moves as columns. Here they become whole dots again.

const held = new Map();

/** A `snapshot` or `frame` event as the wall reads it: `at`, whole `dots` that came or changed, ids that are `gone`. */
export function unfold(event) {
  if (!event.gone) held.clear(); // a snapshot
  const changed = new Set();
  for (const who of event.dots) {
    held.set(who.id, { ...held.get(who.id), ...who });
    changed.add(who.id);
  }
  const { id: ids, ...columns } = event.moved;
  const named = Object.entries(columns);
  for (const [n, id] of ids.entries()) {
    if (!held.has(id)) continue;
    held.set(id, { ...held.get(id), ...dotAt(n, named) });
    changed.add(id);
  }
  const gone = event.gone ?? [];
  for (const id of gone) held.delete(id);
  const dots = [...changed].map((id) => held.get(id)).filter((dot) => dot?.state);
  return { at: event.at, dots, gone };
}

/** A column is an array, or one value for everybody. */
function dotAt(n, columns) {
  const dot = {};
  for (const [name, column] of columns) dot[name] = Array.isArray(column) ? column[n] : column;
  dot.heard_at = instant(dot.heard_at ?? dot.fixed_at);
  dot.fixed_at = instant(dot.fixed_at);
  return dot;
}

const instant = (seconds) => (seconds === null ? null : new Date(seconds * 1000).toISOString());
