// The toolbar: which tool is in hand, and what it asks the service for when something was drawn with it.
import { at } from "../wall/dom.js";
import { t } from "../words.js";
import { choose, chooseAt, chosenIds, territorialAt, unitsTouching } from "./choose.js";
import { moveCursor, setCursorTool } from "./cursor.js";
import { map, sketch, writeGeometry } from "./ground.js";
import { splitIdentity } from "./identity.js";
import { calm, complain, say, trying } from "./message.js";
import { abortPen, addPlace, dropPlace, finishPen, readPlace, setTrace, startPen, stopPen, writePlace } from "./pen.js";
import { finishPainting, paintAt, startPainting, stopPainting, wipePaint } from "./paint.js";
import { setSnap } from "./snap.js";
import { current, isBusy, onWork, operate, redo, undo } from "./work.js";
import { dropVertex, heldVertex, moveVertex, startDragging, stopDragging, takeVertex, vertexArguments } from "./vertex.js";

const TOOLS = ["choose", "split", "shift", "transfer", "vertex", "dedicated", "paint"];
const DRAWN = { split: "LineString", shift: "LineString", transfer: "Polygon", dedicated: "Polygon" };
const ASKED = { split: askSplit, shift: askShift, transfer: askTransfer, dedicated: askDedicated };
let inHand = "choose";

export const toolInHand = () => inHand;

const listeners = new Set();
/** `listener()` hears that another tool is in hand. */
export const onTool = (listener) => listeners.add(listener);

export function startTools() {
  for (const button of document.querySelectorAll("[data-tool]")) {
    button.addEventListener("click", () => takeTool(button.dataset.tool));
  }
  at("undo").addEventListener("click", () => trying(undoLast));
  at("redo").addEventListener("click", () => trying(redoLast));
  at("trace").addEventListener("click", () => press("trace", setTrace));
  at("snap").addEventListener("click", () => {
    press("snap", setSnap);
    takeTool(inHand);
  });
  at("pen").addEventListener("submit", onTyped);
  at("pen-done").addEventListener("click", () => finish());
  at("pen-back").addEventListener("click", () => dropPlace());
  at("pen-cancel").addEventListener("click", () => cancel());
  at("place").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      finish();
    }
  });
  addEventListener("keydown", onKey);
  map.on("click", (event) => {
    if (inHand === "choose" && current()) trying(() => chooseAt(event.coordinate, event.originalEvent.shiftKey || event.originalEvent.ctrlKey));
  });
  onWork(showTools);
  setCursorTool({ move, act, finish, back: dropPlace, cancel });
}

function press(id, set) {
  const on = at(id).getAttribute("aria-pressed") !== "true";
  at(id).setAttribute("aria-pressed", String(on));
  set(on);
}

async function undoLast() {
  const answer = await undo();
  say(t("planner.undone", { n: answer.seq }));
}

async function redoLast() {
  const answer = await redo();
  say(t("planner.redone", { n: answer.seq }));
}

function onKey(event) {
  if (!current() || event.defaultPrevented || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const control = event.ctrlKey || event.metaKey;
  if (control && event.key.toLowerCase() === "z") (event.shiftKey ? at("redo") : at("undo")).click();
  else if (control && event.key.toLowerCase() === "y") at("redo").click();
  else if (control || event.altKey) return;
  else if (TOOLS[Number(event.key) - 1] && may()) takeTool(TOOLS[Number(event.key) - 1]);
  else if (event.key === "t") at("trace").click();
  else if (event.key === "s") at("snap").click();
  else return;
  event.preventDefault();
}

const may = () => Boolean(current()?.may_edit);

function showTools() {
  const plan = current();
  at("tools").hidden = plan === null;
  const log = plan?.operations ?? [];
  at("undo").disabled = !may() || isBusy() || !log.some((each) => !each.undone);
  at("redo").disabled = !may() || isBusy() || !log.some((each) => each.undone);
  for (const button of document.querySelectorAll("[data-tool]")) {
    button.disabled = button.dataset.tool !== "choose" && !may();
    button.setAttribute("aria-pressed", String(button.dataset.tool === inHand));
  }
  if (inHand !== "choose" && !may()) takeTool("choose");
}

/** Take a tool in hand; the one before is put away with what was begun. */
export function takeTool(name) {
  stopPen();
  stopDragging();
  stopPainting();
  sketch.getSource().clear(true);
  if (name !== inHand) calm();
  inHand = name;
  if (DRAWN[name]) startPen(DRAWN[name], (geometry) => trying(() => asked(name, geometry)));
  if (name === "vertex") startDragging(() => trying(applyVertex));
  if (name === "paint") startPainting(tellDone);
  at("pen").hidden = name === "choose";
  at("pen").dataset.kind = DRAWN[name] ?? name;
  at("pen-text").textContent = name === "choose" ? "" : t(`planner.pen.${name}`);
  at("place").value = "";
  showTools();
  for (const listener of listeners) listener();
}

async function asked(name, geometry) {
  sketch.getSource().clear(true);
  sketch.getSource().addFeature(new ol.Feature(geometry));
  try {
    const { op, args } = ASKED[name](geometry);
    const answer = await operate(op, args);
    tellDone(op, answer);
  } finally {
    sketch.getSource().clear(true);
  }
}

/** What an operation did, in a sentence; `named`: how many units above the drawn ones it was asked of. */
export function tellDone(op, answer, named = 0) {
  const changed = answer.changed.features.filter((each) => each.properties.change !== "noded" && each.properties.change !== "kept");
  const found = answer.findings?.features.length ?? 0;
  say(t("planner.done", { what: t(`planner.op.${op}`), changed: named || changed.length, found }));
}

function askSplit(line) {
  const [first] = chosenIds();
  const middle = line.getCoordinateAt(0.5);
  const unit = first ?? territorialAt(middle)?.getId();
  if (!unit) throw new Error(t("planner.split.none"));
  return { op: "split_by_line", args: { unit, line: writeGeometry(line), identity: splitIdentity() } };
}

function askShift(line) {
  let pair = chosenIds();
  if (pair.length !== 2) {
    const ends = [line.getFirstCoordinate(), line.getLastCoordinate()].map((end) => new Set(unitsTouching(end)));
    pair = [...ends[0]].filter((each) => ends[1].has(each) && each.get("editable")).map((each) => each.getId());
  }
  if (pair.length !== 2) throw new Error(t("planner.shift.two"));
  return { op: "shift_border", args: { one: pair[0], other: pair[1], line: writeGeometry(line) } };
}

function askTransfer(area) {
  const [giver, taker, ...more] = chosenIds();
  if (!taker || more.length) throw new Error(t("planner.transfer.two"));
  return { op: "transfer", args: { giver, taker, area: writeGeometry(area) } };
}

function askDedicated(area) {
  const unit = territorialAt(area.getInteriorPoint().getCoordinates());
  const form = at("dedicated-form");
  if (!unit || !form) throw new Error(t("planner.dedicated.none"));
  const values = new FormData(form);
  const name = String(values.get("name")).trim();
  if (!name) throw new Error(t("planner.dedicated.name"));
  return { op: "create_dedicated", args: { parent: values.get("parent"), level: values.get("level"), area: writeGeometry(area), name } };
}

async function applyVertex() {
  if (heldVertex() === null) return;
  const args = vertexArguments();
  dropVertex();
  const answer = await operate("reshape_vertex", args);
  tellDone("reshape_vertex", answer);
}

function act(coordinate, more) {
  if (inHand === "choose") trying(() => chooseAt(coordinate, more));
  else if (inHand === "vertex") actOnVertex(coordinate);
  else if (inHand === "paint") paintAt(coordinate);
  else addPlace(coordinate);
}

function actOnVertex(coordinate) {
  if (heldVertex() !== null) {
    trying(applyVertex);
  } else if (takeVertex(coordinate) === null) complain(t("planner.vertex.none"));
  else {
    writePlace(heldVertex().from);
    say(t("planner.vertex.held"), { keep: true });
  }
}

function move(coordinate) {
  if (inHand === "vertex" && heldVertex() !== null) {
    moveVertex(coordinate);
    writePlace(coordinate);
  } else if (inHand !== "choose") writePlace(coordinate);
}

function finish() {
  if (inHand === "vertex") trying(applyVertex);
  else if (inHand === "paint") trying(finishPainting);
  else if (!finishPen()) complain(t("planner.pen.short"));
}

function cancel() {
  if (inHand === "choose") choose([]);
  else if (inHand === "vertex") dropVertex();
  else if (inHand === "paint") wipePaint();
  else abortPen();
}

/** Typed coordinates: a vertex is moved there, a place added to the line, or the crosshair put there. */
function onTyped(event) {
  event.preventDefault();
  trying(async () => {
    const typed = readPlace(at("place").value);
    if (inHand === "vertex" && heldVertex() !== null) moveVertex(typed);
    else if (inHand === "vertex") actOnVertex(typed);
    else if (inHand === "paint") paintAt(typed);
    else addPlace(typed, { exact: true });
    moveCursor(typed);
  });
}
