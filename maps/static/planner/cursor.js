// The map by keys: a crosshair that arrows move, and Enter does what a click does there.
import { at } from "../wall/dom.js";
import { map } from "./ground.js";

const STEP = 16;
const FINE = 1;
const EDGE = 60;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

let pixel = null;
let tool = null;
let byKeys = false;

/** What the keys act on: `{ move?, act, finish?, back?, cancel }`. */
export const setCursorTool = (wanted) => (tool = wanted);

function middle() {
  const [width, height] = map.getSize() ?? [0, 0];
  return [Math.round(width / 2), Math.round(height / 2)];
}

function show() {
  const cross = at("crosshair");
  cross.hidden = pixel === null || !byKeys;
  if (pixel !== null) {
    cross.style.left = `${at("map").offsetLeft + pixel[0]}px`;
    cross.style.top = `${at("map").offsetTop + pixel[1]}px`;
  }
}

export const cursorPlace = () => map.getCoordinateFromPixel(pixel ?? middle());

/** Put the crosshair on a place. */
export function moveCursor(coordinate) {
  pixel = map.getPixelFromCoordinate(coordinate).map(Math.round);
  show();
}

function shift([dx, dy], by) {
  pixel = [pixel[0] + dx * by, pixel[1] + dy * by];
  const [width, height] = map.getSize();
  const past = [Math.min(0, pixel[0] - EDGE) || Math.max(0, pixel[0] - width + EDGE), Math.min(0, pixel[1] - EDGE) || Math.max(0, pixel[1] - height + EDGE)];
  if (past[0] || past[1]) {
    const view = map.getView();
    const [x, y] = view.getCenter();
    view.setCenter([x + past[0] * view.getResolution(), y - past[1] * view.getResolution()]);
    pixel = [pixel[0] - past[0], pixel[1] - past[1]];
    map.renderSync();
  }
  show();
  tool?.move?.(cursorPlace());
}

export function startCursor() {
  const target = at("map");
  target.addEventListener("focus", () => {
    if (!target.matches(":focus-visible")) return;
    pixel ??= middle();
    byKeys = true;
    show();
  });
  target.addEventListener("blur", () => {
    at("crosshair").hidden = true;
  });
  target.addEventListener("pointerdown", () => {
    pixel = null;
    show();
  });
  target.addEventListener("keydown", onKey);
  addEventListener("pointerdown", () => (byKeys = false), true);
  addEventListener("keydown", () => (byKeys = true), true);
}

function onKey(event) {
  if (event.altKey) return;
  const arrow = ARROWS[event.key];
  const control = event.ctrlKey || event.metaKey;
  if (arrow && !control) {
    pixel ??= middle();
    shift(arrow, event.shiftKey ? FINE : STEP);
  } else if (event.key === "Enter" && control) tool?.finish?.();
  else if ((event.key === "Enter" || event.key === " ") && !control) tool?.act(cursorPlace(), event.shiftKey);
  else if (event.key === "Backspace") tool?.back?.();
  else if (event.key === "Escape") tool?.cancel?.();
  else if (event.key === "+" || event.key === "=") zoom(1);
  else if (event.key === "-") zoom(-1);
  else return;
  event.preventDefault();
}

export function zoom(by) {
  const view = map.getView();
  const anchor = pixel === null ? undefined : cursorPlace();
  view.adjustZoom(by, anchor);
}
