// The plan as a GeoPackage for desktop programs, and what such a file has different when it comes back.
import { upload } from "../door.js";
import { el } from "../wall/dom.js";
import { isEnglish, refusal, t } from "../words.js";
import { unitOf } from "./choose.js";
import { button, row } from "./forms.js";
import { fit, readFeature, sketch } from "./ground.js";
import { say, trying } from "./message.js";
import { tellDone } from "./tools.js";
import { current, operate } from "./work.js";

const GEOPACKAGE = "application/geopackage+sqlite3";
const DRAWN_MOST = 500;

const nothing = (plan) => ({ plan, file: null, seen: "", differences: [], refused: new Set() });
let offered = nothing(null);
let list = null;

const pathOf = (plan) => `/v1/plans/${plan.id}/file`;
const stateOf = (plan) => plan.operations.map((each) => `${each.seq}${each.undone}`).join();
const keyOf = (each) => [each.kind, each.unit_id, ...each.features, each.after].join();

export function packagePart() {
  const plan = current();
  if (offered.plan !== plan.id) offered = nothing(plan.id);
  list = el("ul", { class: "findings", id: "differences" });
  drawList();
  // whatever was done or undone since, the list tells what is left
  if (plan.may_edit && offered.file && offered.seen !== stateOf(plan)) trying(compare);
  const field = el("input", { type: "file", accept: ".gpkg" });
  field.addEventListener("change", () => field.files.length && trying(() => take(field.files[0])));
  return el(
    "div",
    { class: "act" },
    el("h2", {}, t("planner.file.title")),
    el("a", { class: "button", href: pathOf(plan), download: "" }, t("planner.file.get")),
    ...(plan.may_edit ? [row(t("planner.file.send"), field), list] : []),
  );
}

/** Held as it is now: a program may save the file again while it is looked at here. */
async function take(file) {
  offered = { ...nothing(current().id), file: new Blob([await file.arrayBuffer()]) };
  await compare();
  const n = offered.differences.length;
  say(n ? t("planner.file.differences", { n }) : t("planner.file.same"));
}

async function compare() {
  const mine = offered;
  mine.seen = stateOf(current());
  const { differences } = await upload(pathOf(current()), mine.file, GEOPACKAGE);
  mine.differences = differences;
  if (mine === offered) drawList();
}

function drawList() {
  const left = offered.differences.filter((each) => !offered.refused.has(keyOf(each)));
  list.replaceChildren(...left.slice(0, DRAWN_MOST).map(lineOf));
}

function lineOf(each) {
  const area = each.area_m2 === null ? null : t("planner.measure.area", { n: Number(each.area_m2.toPrecision(3)).toLocaleString() });
  return el(
    "li",
    { "data-kind": each.kind },
    el("button", { type: "button", class: "plain go", onclick: () => look(each) }, el("strong", {}, t(`planner.file.kind.${each.kind}`)), el("span", {}, nameOf(each))),
    each.after === null || each.kind === "overlap" ? null : el("p", { class: "small" }, each.before === null ? String(each.after) : `${each.before} → ${each.after}`),
    area === null ? null : el("p", { class: "small number" }, area),
    each.why === null ? null : el("p", { class: "small" }, refusal(each.why) ?? (isEnglish ? each.why.text : "")),
    el("div", { class: "buttons" }, ...answersTo(each)),
  );
}

function nameOf(each) {
  const number = each.features.length ? t("planner.file.feature", { n: each.features.join("、") }) : "";
  if (each.code === null) return number;
  return each.features.length > 1 ? `${each.code} · ${number}` : each.code;
}

function answersTo(each) {
  const settle = () => {
    offered.refused.add(keyOf(each));
    drawList();
  };
  if (each.operation === null) return [button(t("planner.file.noted"), settle)];
  const { op, args } = each.operation;
  const accept = () => trying(async () => tellDone(op, await operate(op, args)));
  return [button(t("planner.file.accept"), accept, { class: "main" }), button(t("planner.file.refuse"), settle)];
}

function look(each) {
  const source = sketch.getSource();
  source.clear(true);
  const geometry = each.where ? readFeature({ type: "Feature", geometry: each.where, properties: {} }).getGeometry() : unitOf(each.unit_id)?.getGeometry();
  if (!geometry) return;
  if (each.where) source.addFeature(new ol.Feature(geometry));
  fit(geometry.getExtent(), { maxZoom: 20, padding: 96 });
}
