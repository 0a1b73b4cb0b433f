// What the colours and hatchings say.
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";

const PLAN = ["kept", "changed", "born", "around", "chosen", "error", "warning"];
const HISTORY = ["moved", "drawn", "new", "gone", "named"];

export function showLegend(view) {
  const marks = view === "history" ? HISTORY : PLAN;
  at("legend-body").replaceChildren(...marks.map((mark) => el("li", {}, el("span", { class: "swatch", "data-mark": mark, "aria-hidden": "true" }), t(`planner.legend.${mark}`))));
}
