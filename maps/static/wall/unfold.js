// The live feed travels short: who people are once, and what moves as arrays. Here they become whole dots again.

const held = new Map();
let columns = [];

/** A `snapshot` or `frame` event as the wall reads it: `at`, whole `dots` that came or changed, ids that are `gone`. */
export function unfold(event) {
  if (event.columns) {
    columns = event.columns;
    held.clear();
  }
  const changed = new Set();
  for (const who of event.dots) {
    held.set(who.id, { ...held.get(who.id), ...who });
    changed.add(who.id);
  }
  for (const row of event.moved) {
    const [id] = row;
    if (!held.has(id)) continue;
    held.set(id, { ...held.get(id), ...named(row) });
    changed.add(id);
  }
  const gone = event.gone ?? [];
  for (const id of gone) held.delete(id);
  const dots = [...changed].map((id) => held.get(id)).filter((dot) => dot?.state);
  return { at: event.at, dots, gone };
}

function named(row) {
  const dot = {};
  for (const [n, name] of columns.entries()) dot[name] = row[n];
  dot.heard_at = instant(dot.heard_at ?? dot.fixed_at);
  dot.fixed_at = instant(dot.fixed_at);
  return dot;
}

const instant = (seconds) => (seconds === null ? null : new Date(seconds * 1000).toISOString());
