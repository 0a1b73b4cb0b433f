// What a file has different from the plan, from one sending of the file: which differences are taken over, which are settled by
// what else was done, and which would be refused now. The service tries them on the plan as it is.
import { send } from "../door.js";
import { readFeature } from "./ground.js";
import { current, operate } from "./work.js";

const TRIED_AT_ONCE = 40;

export const nothing = (plan) => ({ plan, file: null, base: null, again: false, resent: false, busy: false, differences: [] });

const keyOf = (each) => [each.kind, each.unit_id, ...each.features, each.told].join();
const stepOf = (seq) => current().operations.filter((each) => each.seq === seq && !each.undone).map((each) => `${seq} ${each.at}`)[0] ?? null;
const stands = (step) => step !== null && current().operations.some((each) => !each.undone && `${each.seq} ${each.at}` === step);

/** Neither refused, nor taken over, nor settled. */
export const isOpen = (offered, each) => !each.refused && !each.settled && !stands(each.taken);
export const isWaiting = (each) => each.waiting && each.wanted !== null;

/** Differences as the service told them; what was refused or taken over before stays so. */
export function answered(offered, differences) {
  const before = new Map(offered.differences.map((each) => [keyOf(each), each]));
  const fresh = differences.map((each) => {
    const known = { ...each, told: each.after, wanted: each.operation, box: boxOf(each.where), waiting: !each.tried, settled: false, taken: null };
    return { ...known, refused: before.get(keyOf(known))?.refused ?? false };
  });
  const keys = new Set(fresh.map(keyOf));
  offered.differences = [...fresh, ...offered.differences.filter((each) => stands(each.taken) && !keys.has(keyOf(each)))];
}

const boxOf = (geometry) => (geometry === null ? null : readFeature({ type: "Feature", geometry, properties: {} }).getGeometry().getExtent());

/** Something was done or undone in the plan: what the file has different there is to be tried again. */
export function touch(offered, { changed, gone }) {
  const meets = metBy(changed.features, gone);
  const moved = metBy(changed.features.filter((each) => !["kept", "noded"].includes(each.properties.change)), gone);
  for (const each of offered.differences) {
    if (each.wanted !== null) each.waiting ||= meets(each);
    // the file itself tells whether what nothing takes over stands still
    else if (isOpen(offered, each) && moved(each)) offered.again = true;
  }
  if (offered.resent && changed.features.some((each) => each.properties.change === "kept")) offered.again = true; // perhaps undone
}

/** Whether a difference is of these units, or of ground where they are. */
function metBy(features, gone) {
  const ids = new Set([...gone, ...features.map((each) => each.id)]);
  const box = ol.extent.createEmpty();
  for (const each of features) ol.extent.extend(box, boxOf(each.geometry));
  return (each) => ids.has(each.unit_id) || (each.box !== null && overlap(each.box, box));
}

/** Boxes that share more than an edge. */
const overlap = (one, other) => [0, 1].every((axis) => Math.min(one[axis + 2], other[axis + 2]) - Math.max(one[axis], other[axis]) > (one[axis] === one[axis + 2] ? -1e-3 : 1e-3));

/** Try what waits, some at a time; `told()` after each. */
export async function tryWaiting(offered, told) {
  if (offered.busy) return;
  offered.busy = true;
  try {
    for (;;) {
      const some = offered.differences.filter((each) => isWaiting(each) && !each.refused && !stands(each.taken)).slice(0, TRIED_AT_ONCE);
      if (some.length === 0 || current()?.id !== offered.plan || !current().may_edit) return;
      for (const each of some) each.waiting = false; // unless it is touched meanwhile
      const { trials } = await send(`/v1/plans/${offered.plan}/trials`, { operations: some.map((each) => each.wanted) });
      some.forEach((each, place) => settle(each, trials[place]));
      if (current()?.id === offered.plan) told();
    }
  } finally {
    offered.busy = false;
  }
}

function settle(each, { changes, born, why, where }) {
  each.settled = !changes && why === null;
  each.operation = why === null ? each.wanted : null;
  each.why = why;
  each.after = born.length ? born.join("、") : each.told;
  if (why !== null && each.where === null && where !== null) each.where = { type: "Point", coordinates: where };
}

/** Do in the plan what takes over these differences. */
export async function takeOver(offered, op, args, some) {
  const answer = await operate(op, args);
  for (const each of some) each.taken = stepOf(answer.seq);
  return answer;
}

/** The fewest operations that take over all of these: `[op, args, differences]` of each. */
export function doTogether(some) {
  const ofFile = some.filter((each) => each.operation.op === "replace_from_file");
  const others = some.filter((each) => each.operation.op !== "replace_from_file").map((each) => [each.operation.op, each.operation.args, [each]]);
  if (ofFile.length === 0) return others;
  const all = (name) => ofFile.flatMap((each) => each.operation.args[name] ?? []);
  const incoming = joined(all("incoming"));
  const drawn = new Set(incoming.filter((each) => each.geom).map((each) => each.id));
  const heirs = joined(all("heirs")).filter((each) => !drawn.has(each.id));
  return [["replace_from_file", { incoming, heirs, gone: [...new Set(all("gone"))], born: all("born") }, ofFile], ...others];
}

/** One entry of each unit, with all that the entries have of it. */
function joined(entries) {
  const units = new Map();
  for (const each of entries) {
    const had = units.get(each.id) ?? {};
    units.set(each.id, { ...had, ...Object.fromEntries(Object.entries(each).filter(([key, value]) => value !== null || !(key in had))) });
  }
  return [...units.values()];
}
