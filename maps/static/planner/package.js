// The plan as a GeoPackage for desktop programs, and what such a file has different when it comes back.
import { upload } from "../door.js";
import { count } from "../format.js";
import { el } from "../wall/dom.js";
import { isEnglish, refusal, t } from "../words.js";
import { unitOf } from "./choose.js";
import { answered, doTogether, isOpen, isWaiting, nothing, takeOver, touch, tryWaiting } from "./differences.js";
import { button, row } from "./forms.js";
import { fit, readFeature, sketch } from "./ground.js";
import { say, trying } from "./message.js";
import { tellDone } from "./tools.js";
import { current, onTaken } from "./work.js";

const GEOPACKAGE = "application/geopackage+sqlite3";
const DRAWN_MOST = 500;

let offered = nothing(null);
let list = null;
let state = null;

const pathOf = (plan) => `/v1/plans/${plan.id}/file`;

export function packagePart() {
  const plan = current();
  if (offered.plan !== plan.id) offered = nothing(plan.id);
  state = el("div", { class: "buttons", id: "differences-state" });
  list = el("ul", { class: "findings", id: "differences" });
  drawList();
  if (plan.may_edit && offered.file) trying(goOn);
  const field = el("input", { type: "file", accept: ".gpkg" });
  field.addEventListener("change", () => field.files.length && trying(() => take(field.files[0])));
  return el(
    "div",
    { class: "act" },
    el("h2", {}, t("planner.file.title")),
    el("a", { class: "button", href: pathOf(plan), download: "" }, t("planner.file.get")),
    ...(plan.may_edit ? [row(t("planner.file.send"), field), state, list] : []),
  );
}

/** Held as it is now: a program may save the file again while it is looked at here. */
async function take(file) {
  offered = { ...nothing(current().id), file: new Blob([await file.arrayBuffer()]) };
  await compare();
  const n = offered.differences.length;
  say(n ? t("planner.file.differences", { n }) : t("planner.file.same"));
  await goOn();
}

/** Sent once; again only where the plan came to stand on another edition, or what a difference waits for was done. */
async function compare() {
  const mine = offered;
  const plan = current();
  mine.resent = mine.base !== null;
  mine.again = false;
  mine.base = plan.base_edition_id;
  answered(mine, (await upload(pathOf(plan), mine.file, GEOPACKAGE)).differences);
  if (mine === offered) drawList();
}

/** Whatever was done or undone since, the list tells what is left. */
async function goOn() {
  if (offered.again || offered.base !== current().base_edition_id) await compare();
  await tryWaiting(offered, drawList);
}

function drawList() {
  const left = offered.differences.filter((each) => isOpen(offered, each));
  const ready = left.filter((each) => each.operation !== null && !each.waiting);
  const waiting = left.filter(isWaiting).length;
  list.replaceChildren(...left.slice(0, DRAWN_MOST).map(lineOf));
  const parts = [
    left.length ? el("span", { class: "small muted number" }, t(waiting ? "planner.file.trying" : "planner.file.left", { n: count(left.length), waiting: count(waiting) })) : null,
    ready.length > 1 ? button(t("planner.file.accept_all", { n: count(ready.length) }), () => trying(() => acceptAll(ready)), { id: "accept-all", disabled: waiting > 0 }) : null,
  ];
  state.replaceChildren(...parts.filter(Boolean));
}

async function acceptAll(ready) {
  const mine = offered;
  for (const [op, args, together] of doTogether(ready)) {
    const answer = await takeOver(mine, op, args, together);
    tellDone(op, answer);
  }
  drawList();
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
    each.refused = true;
    drawList();
  };
  if (each.operation === null) return [button(t("planner.file.noted"), settle)];
  const { op, args } = each.operation;
  const accept = () =>
    trying(async () => {
      tellDone(op, await takeOver(offered, op, args, [each]));
      drawList();
    });
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

onTaken((answer) => touch(offered, answer));
