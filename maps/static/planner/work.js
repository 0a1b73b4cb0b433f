// The open plan: what the service says of it, and every change of it. Panels and the map listen.
import { get, send } from "../door.js";
import { boxInView, fitBox, hideEnded, map, readFeatures, redrawPublished, restoreView, units } from "./ground.js";
import { calm } from "./message.js";
import { REST_MS } from "./picture.js";

const listeners = new Set();
let plan = null;
let scene = { complete: true, total: 0, parents: {}, gone: [] };
let findings = { features: [], errors: 0, warnings: 0, whole: false };
let busy = 0;

export const current = () => plan;
export const sceneNow = () => scene;
export const findingsNow = () => findings;
export const isBusy = () => busy > 0;

/** What a form about a parent begins with: the first by code of those whose units are on the map, else the plan's own subtree. */
export function firstParent() {
  const mine = new Set(units.getSource().getFeatures().filter((each) => each.get("editable")).map((each) => each.get("parent")));
  const found = Object.entries(scene.parents ?? {}).filter(([id]) => mine.has(id));
  found.sort((one, other) => one[1].code.localeCompare(other[1].code, "en", { numeric: true }));
  return found.length ? { unit_id: found[0][0], ...found[0][1] } : (plan?.scope ?? null);
}

/** Whether the map shows a part of the units alone. */
export const isPartly = () => partly;

/** `listener(what)`: "plan", "units", "findings" or "busy" changed. */
export const onWork = (listener) => listeners.add(listener);
const tell = (what) => {
  if (what === "units") {
    hideEnded(scene.gone);
    redrawPublished();
  }
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
let held = [];
const HELD_MOST = 200;

/** These units stay on the map wherever it looks. */
export const hold = (ids) => (held = ids.slice(0, HELD_MOST));
const asIds = (ids) => ids.map((id) => `&unit=${id}`).join("");

/** The units of the plan; those in view alone when all are too many to draw at once. */
export async function readScene({ first = false } = {}) {
  const mine = ++reading;
  if (first) partly = false;
  const read = await get(path(`/drawing${partly ? `?bbox=${boxInView().join(",")}${asIds(held)}` : ""}`));
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
  await bring(held); // what was asked for while this was read
}

/** Load units of the plan that are not on the map, wherever they lie. */
export async function bring(ids) {
  const missing = ids.filter((id) => units.getSource().getFeatureById(id) === null);
  if (missing.length) await add(`?limit=0${asIds(missing.slice(0, HELD_MOST))}`);
}

/** Load the units at a place. */
export const bringAt = ([lon, lat]) => add(`?bbox=${[lon, lat, lon, lat].join(",")}`);

async function add(query) {
  const asked = plan.id;
  const read = await doing(get(path(`/drawing${query}`)));
  if (plan?.id !== asked) return;
  const source = units.getSource();
  source.addFeatures(readFeatures(read).filter((each) => source.getFeatureById(each.getId()) === null));
  scene = { ...scene, parents: { ...scene.parents, ...read.parents } };
  tell("units");
}

/** How many times the map has to come twice as near until its units can be drawn one by one. */
export const stepsNearer = () => (partly && !scene.complete ? Math.max(1, Math.ceil(Math.log(scene.total / DRAWN_MOST) / Math.log(4))) : 0);
const DRAWN_MOST = 1500;

let resting = 0;
map.on("movestart", () => clearTimeout(resting));
map.on("moveend", () => {
  clearTimeout(resting);
  resting = setTimeout(() => plan !== null && partly && readScene(), REST_MS);
});

const takers = new Set();
/** `listener({ changed, gone })`: what of the units a step in the plan changed. */
export const onTaken = (listener) => takers.add(listener);

function take(answer) {
  const source = units.getSource();
  for (const id of answer.gone) {
    const old = source.getFeatureById(id);
    if (old) source.removeFeature(old);
  }
  const back = new Set(answer.changed.features.map((each) => each.id));
  scene = { ...scene, gone: [...scene.gone, ...answer.gone].filter((id) => !back.has(id)) };
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
  for (const listener of takers) listener(answer);
}

async function change(asked) {
  const answer = await doing(asked).catch(async (error) => {
    if (error.status === 409) await readPlan(); // somebody else took a step, or published, meanwhile
    throw error;
  });
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
  calm();
  tell("plan");
}

export async function publish(effectiveFrom, reason) {
  const answer = await doing(send(path("/publish"), { effective_from: effectiveFrom, reason }));
  await readPlan();
  return answer;
}

export const takeBack = (reason) => doing(send(path("/take-back"), { reason }));

export async function rebase(skip) {
  const answer = await doing(send(path("/rebase"), { skip }));
  if (answer.clash === null) await openPlan(plan.id);
  return answer;
}

export const readImpact = () => get(path("/impact"));
