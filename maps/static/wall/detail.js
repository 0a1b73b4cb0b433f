// The right panel: a shell for one person or one case. What it holds changes in place, so that the focus stays.
import { t } from "../words.js";
import { at, el } from "./dom.js";

let close = () => undefined;
let shown = null; // key of what is shown
let wantsFocus = false;

export function onClose(act) {
  close = act;
}

export function hideDetail() {
  if (shown === null) return;
  shown = null;
  at("detail").hidden = true;
  at("detail").replaceChildren();
}

/** The panel for `key` with its title; `build(part)` makes its parts when another one was shown before. */
export function openDetail(key, title, subtitle, build) {
  if (shown !== key) {
    shown = key;
    const button = el("button", { type: "button", class: "close", title: t("close"), onclick: () => close() }, el("span", { class: "sr" }, t("close")), cross());
    at("detail").replaceChildren(button, el("h2", {}), el("p", { class: "muted subtitle" }), ...build());
    at("detail").scrollTop = 0;
  }
  setText(at("detail").querySelector("h2"), title);
  setText(at("detail").querySelector(".subtitle"), subtitle ?? "");
  at("detail").setAttribute("aria-label", title);
  at("detail").hidden = false;
  if (wantsFocus) at("detail").focus({ preventScroll: true });
  wantsFocus = false;
}

/** Whoever chose by keyboard from elsewhere goes on in the panel. */
export function focusNextDetail() {
  wantsFocus = true;
}

/** A part of the panel by its class. */
export const part = (name) => at("detail").querySelector(`.${name}`);

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Terms and values, those without a value left out: [[term, text or element], …]. */
export function fillFacts(list, pairs) {
  const told = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  list.replaceChildren(...told.flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));
}

function cross() {
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  mark.setAttribute("viewBox", "0 0 16 16");
  mark.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M4 4l8 8M12 4l-8 8");
  path.setAttribute("stroke", "currentColor");
  path.setAttribute("stroke-width", "1.5");
  mark.append(path);
  return mark;
}
