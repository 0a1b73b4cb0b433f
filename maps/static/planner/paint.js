// Painting: blocks between streets, or whole lowest units, are given to one unit by stroking over them; figures follow.
import { get, send } from "../door.js";
import { at, el } from "../wall/dom.js";
import { count } from "../format.js";
import { t } from "../words.js";
import { findAbove, unitRow } from "./find.js";
import { button } from "./forms.js";
import { blocks, fit, map, readFeatures, toLonLat } from "./ground.js";
import { complain, say, trying } from "./message.js";
import { current, onWork, operate } from "./work.js";

let ground = null; // { parent, units } as read
let taker = "";
let brush = null;
let done = () => {};
let giving = false;
let drawn = ""; // the operations that the blocks were read after

const operationsNow = () => JSON.stringify(current()?.operations.map((each) => [each.seq, each.undone, each.at]));

/** What is undone or done elsewhere meanwhile changes who holds the blocks. */
onWork((what) => {
  if (what === "plan" && brush !== null && ground !== null && !giving && operationsNow() !== drawn) trying(() => read(ground.parent));
});

/** The brush is in the hand: dragging paints, and a stroke that begins on paint wipes. */
export function startPainting(tellDone) {
  done = tellDone;
  let wipes = false;
  brush = new ol.interaction.Pointer({
    handleDownEvent: (event) => {
      const block = blockAt(event.coordinate);
      if (event.originalEvent.button !== 0 || block === null) return false;
      wipes = block.get("painted");
      mark(block, !wipes);
      return true;
    },
    handleDragEvent: (event) => mark(blockAt(event.coordinate), !wipes),
  });
  map.addInteraction(brush);
}

export function stopPainting() {
  if (brush === null) return;
  map.removeInteraction(brush);
  brush = null;
  ground = null;
  blocks.getSource().clear(true);
}

const blockAt = (coordinate) => blocks.getSource().getFeaturesAtCoordinate(coordinate)[0] ?? null;
const painted = () => blocks.getSource().getFeatures().filter((each) => each.get("painted"));

function mark(block, on) {
  if (block === null || block.get("own") || block.get("painted") === on) return;
  block.set("painted", on);
  showFigures();
}

/** By keys: the block under the crosshair is painted, or wiped. */
export function paintAt(coordinate) {
  const block = blockAt(coordinate);
  if (block === null) complain(t("planner.paint.no_block"));
  else mark(block, !block.get("painted"));
}

export function wipePaint() {
  for (const block of painted()) block.set("painted", false);
  showFigures();
}

/** What was painted goes to its taker, giver by giver. */
export async function finishPainting() {
  const places = painted().map((each) => each.get("spot"));
  if (ground === null || places.length === 0) throw new Error(t("planner.paint.nothing"));
  const { operations } = await send(`/v1/plans/${current().id}/painting`, { parent: ground.parent, taker, places });
  let merged = [];
  giving = true;
  try {
    for (const { op, args } of operations) {
      done(op, await operate(op, args));
      if (op === "merge") merged = args.units;
    }
  } finally {
    giving = false;
    await read(ground.parent, merged);
  }
  const heir = ground.units.find((each) => merged.includes(each.unit_id));
  if (heir) say(t("planner.paint.merged", { unit: nameOf(heir), code: heir.code }));
}

export function paintForm() {
  const ground = unitRow(t("planner.paint.ground"), { name: "parent", ask: findAbove, hear: (unit) => unit && trying(() => read(unit.unit_id)) });
  return [el("h2", {}, t("planner.tool.paint")), el("p", { class: "muted small" }, t("planner.paint.how")), el("div", { class: "act" }, ground), el("div", { id: "painted", role: "status" })];
}

/** `merged`: units of which one is left, which goes on to take. */
async function read(parent, merged = []) {
  const source = blocks.getSource();
  const answer = await get(`/v1/plans/${current().id}/blocks?parent=${encodeURIComponent(parent)}`);
  if (brush === null) return;
  drawn = operationsNow();
  const again = ground?.parent === parent;
  ground = { parent, units: answer.units };
  taker = answer.units.find((each) => merged.includes(each.unit_id))?.unit_id ?? taker;
  if (!answer.units.some((each) => each.unit_id === taker)) taker = answer.units[0]?.unit_id ?? "";
  source.clear(true);
  source.addFeatures(readFeatures(answer));
  if (!again) fit(source.getExtent());
  giveTo(taker);
}

function giveTo(unit) {
  taker = unit;
  for (const block of blocks.getSource().getFeatures()) {
    block.set("own", block.get("holder") === unit, true);
    if (block.get("own")) block.set("painted", false, true);
    block.changed();
  }
  showFigures();
}

const nameOf = (unit) => unit.name || unit.code;

/** Units that would keep nothing: given whole, they are merged. */
function wholeNow() {
  const all = blocks.getSource().getFeatures();
  const left = new Set(all.filter((each) => !each.get("painted")).map((each) => each.get("holder")));
  return ground.units.filter((each) => each.unit_id !== taker && !left.has(each.unit_id) && all.some((block) => block.get("holder") === each.unit_id));
}

function mergeNote() {
  const whole = wholeNow();
  const to = ground.units.find((each) => each.unit_id === taker);
  if (whole.length === 0 || !to) return null;
  return el("p", { class: "warning", id: "paint-merges" }, t("planner.paint.merges", { units: whole.map(nameOf).join(t("planner.and")), taker: nameOf(to) }));
}

const FIGURES = ["households", "cases", "area_m2"];

/** Each unit's figures now and with the paint: sums of the blocks. */
function sums() {
  const all = new Map(ground.units.map((each) => [each.unit_id, { ...each, before: [0, 0, 0], after: [0, 0, 0] }]));
  for (const block of blocks.getSource().getFeatures()) {
    const now = all.get(block.get("holder"));
    const then = block.get("painted") ? all.get(taker) : now;
    for (const [place, name] of FIGURES.entries()) {
      now.before[place] += block.get(name);
      then.after[place] += block.get(name);
    }
  }
  return [...all.values()];
}

function showFigures() {
  const box = at("painted");
  if (box === null || ground === null) return;
  const told = (values) => [count(Math.round(values[0])), count(values[1]), (values[2] / 10_000).toFixed(2)];
  const pair = (each, place) => {
    const [before, after] = [told(each.before)[place], told(each.after)[place]];
    return before === after ? before : `${before} → ${after}`;
  };
  const lines = sums().map((each) => {
    const choice = el("input", { type: "radio", name: "taker", id: `taker-${each.unit_id}`, checked: each.unit_id === taker, onchange: () => giveTo(each.unit_id) });
    return el("tr", { "aria-selected": String(each.unit_id === taker) }, el("td", {}, choice), el("th", { scope: "row" }, el("label", { for: `taker-${each.unit_id}` }, each.name || each.code)), ...[0, 1, 2].map((place) => el("td", { class: "number right" }, pair(each, place))));
  });
  const focused = box.contains(document.activeElement) ? document.activeElement.id : "";
  const heads = ["taker", "unit", "households", "cases", "hectares"];
  box.replaceChildren(
    el("table", { class: "compare" }, el("caption", { class: "muted small" }, t("planner.paint.caption", { n: count(painted().length) })), el("thead", {}, el("tr", {}, ...heads.map((key) => el("th", { scope: "col", class: /taker|unit/.test(key) ? null : "right" }, t(`planner.compare.${key}`))))), el("tbody", {}, ...lines)),
    mergeNote() ?? "",
    el("div", { class: "act buttons" }, button(t("planner.paint.give"), () => trying(finishPainting), { class: "main", id: "paint-give" }), button(t("planner.paint.wipe"), wipePaint)),
  );
  if (focused) at(focused)?.focus();
}
