// The open plan: what the service says of it, and every change of it. Panels and the map listen.
import { get, send } from "../door.js";
import { boxInView, fitBox, map, readFeatures, redrawPublished, restoreView, units } from "./ground.js";

const listeners = new Set();
let plan = null;
let scene = { complete: true, total: 0, parents: {}, gone: [] };
let findings = { features: [], errors: 0, warnings: 0, whole: false };
let busy = 0;

export const current = () => plan;
export const sceneNow = () => scene;
export const findingsNow = () => findings;
export const isBusy = () => busy > 0;

/** What stands right above the units that the plan may redraw, and its own subtree: [id, { level, code, name }], by code. */
export function parentsHere() {
  const mine = new Set(units.getSource().getFeatures().filter((each) => each.get("editable")).map((each) => each.get("parent")));
  const found = new Map(Object.entries(scene.parents ?? {}).filter(([id]) => mine.has(id)));
  if (plan?.scope) found.set(plan.scope.unit_id, plan.scope);
  return [...found].sort((one, other) => one[1].code.localeCompare(other[1].code, "en", { numeric: true }));
}

/** `listener(what)`: "plan", "units", "findings" or "busy" changed. */
export const onWork = (listener) => listeners.add(listener);
const tell = (what) => {
  if (what === "units") redrawPublished();
  for (const listener of listeners) listener(what);
};

async function doing(asked) {
  busy += 1;
  tell("busy");
  try {
    return await asked;
  } finally {
    busy -= 1;
    tell("busy");
  }
}

const path = (rest = "") => `/v1/plans/${plan.id}${rest}`;

export async function openPlan(id) {
  plan = await doing(get(`/v1/plans/${id}`));
  findings = { features: [], errors: 0, warnings: 0, whole: false };
  tell("plan");
  tell("findings");
  await readScene({ first: true });
}

export function closePlan() {
  plan = null;
  units.getSource().clear(true);
  redrawPublished();
  tell("plan");
}

export async function readPlan() {
  plan = await get(path());
  tell("plan");
}

let reading = 0;
let partly = false;

/** The units of the plan; those in view alone when all are too many to draw at once. */
export async function readScene({ first = false } = {}) {
  const mine = ++reading;
  if (first) partly = false;
  const read = await get(path(`/drawing${partly ? `?bbox=${boxInView().join(",")}` : ""}`));
  if (mine !== reading || plan === null) return;
  scene = { ...read, features: undefined };
  const source = units.getSource();
  source.clear(true);
  source.addFeatures(readFeatures(read));
  if (first) {
    partly = !read.complete;
    if (!restoreView() && read.bbox) fitBox(read.bbox);
  }
  tell("units");
}

map.on("moveend", () => {
  if (plan !== null && partly) readScene();
});

function take(answer) {
  const source = units.getSource();
  for (const id of answer.gone) {
    const old = source.getFeatureById(id);
    if (old) source.removeFeature(old);
  }
  for (const feature of readFeatures(answer.changed)) {
    const old = source.getFeatureById(feature.getId());
    if (old) source.removeFeature(old);
    source.addFeature(feature);
  }
  if (answer.findings) {
    const features = answer.findings.features;
    const errors = features.filter((each) => each.properties.severity === "error").length;
    findings = { features, errors, warnings: features.length - errors, whole: false };
  } else findings = { features: [], errors: 0, warnings: 0, whole: false };
}

async function change(asked) {
  const answer = await doing(asked);
  take(answer);
  tell("units");
  tell("findings");
  await readPlan();
  return answer;
}

/** Do an operation; a Problem says why it cannot be. */
export const operate = (op, args) => change(send(path("/operations"), { op, args }));
export const undo = () => change(send(path("/undo")));
export const redo = () => change(send(path("/redo")));

export async function checkWhole() {
  const read = await doing(get(path("/findings")));
  findings = { ...read, whole: true };
  tell("findings");
  return read;
}

export async function step(name, comment) {
  plan = await doing(send(path("/steps"), { step: name, comment }));
  tell("plan");
}

export async function publish(effectiveFrom, reason) {
  const answer = await doing(send(path("/publish"), { effective_from: effectiveFrom, reason }));
  await readPlan();
  return answer;
}

export async function takeBack(reason) {
  await doing(send(path("/take-back"), { reason }));
  await readPlan();
}

export async function rebase(skip) {
  const answer = await doing(send(path("/rebase"), { skip }));
  if (answer.clash === null) await openPlan(plan.id);
  return answer;
}

export const readImpact = () => get(path("/impact"));
