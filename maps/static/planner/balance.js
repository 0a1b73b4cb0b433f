// How even units are below the same parents, before and after: bars against the mean, and the same as a table.
import { el } from "../wall/dom.js";
import { count } from "../format.js";
import { t } from "../words.js";

const SVG = "http://www.w3.org/2000/svg";
const STEP = 10;
const HEIGHT = 40;

const shown = (measure, value) => (measure === "area_m2" ? (value / 10_000).toFixed(2) : count(value));
const percent = (share) => `${share > 0 ? "+" : ""}${(100 * share).toFixed(0)}${t("unit.percent")}`;
const meanOf = (loads) => (loads.length ? loads.reduce((sum, each) => sum + each, 0) / loads.length : 0);

/** Of a level of the impact, by the first measure that anything is known of; null where there is nothing to compare. */
export function balanceChart(level) {
  const measure = level.evenness.find((each) => each.before !== null || each.after !== null)?.measure;
  if (measure === undefined || level.siblings.length < 2) return null;
  const sides = ["before", "after"].map((side) => level.siblings.map((each) => each[side]?.[measure] ?? null));
  const means = sides.map((loads) => meanOf(loads.filter((each) => each !== null)));
  return el(
    "figure",
    { class: "balance" },
    el("figcaption", { class: "small muted" }, t(`planner.balance.${measure}`)),
    draw(sides, means),
    el("details", {}, el("summary", { class: "small" }, t("planner.balance.table", { n: level.siblings.length })), table(level, measure, sides, means)),
  );
}

function draw(sides, means) {
  const most = Math.max(1, ...sides.flat());
  const wide = sides[0].length * STEP;
  const svg = make("svg", { viewBox: `0 0 ${wide} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const [place, loads] of sides.entries()) {
    loads.forEach((load, number) => {
      const height = (HEIGHT * (load ?? 0)) / most;
      svg.append(make("rect", { x: number * STEP + 1 + place * 4, y: HEIGHT - height, width: 4, height, class: place ? "after" : "before" }));
    });
  }
  for (const [place, mean] of means.entries()) {
    const y = HEIGHT - (HEIGHT * mean) / most;
    svg.append(make("line", { x1: 0, x2: wide, y1: y, y2: y, class: place ? "after" : "before" }));
  }
  return svg;
}

function make(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

function table(level, measure, [before, after], means) {
  const cell = (load, mean) => el("td", { class: "number right" }, load === null ? "–" : `${shown(measure, load)} (${mean ? percent(load / mean - 1) : "–"})`);
  const heads = ["unit", "before", "after"].map((key) => el("th", { scope: "col", class: key === "unit" ? null : "right" }, t(`planner.balance.${key}`)));
  return el(
    "table",
    {},
    el("caption", { class: "sr" }, t(`planner.balance.${measure}`)),
    el("thead", {}, el("tr", {}, ...heads)),
    el(
      "tbody",
      {},
      ...level.siblings.map((each, row) => el("tr", {}, el("th", { scope: "row" }, each.name, el("span", { class: "muted small number" }, each.name === each.code ? "" : ` ${each.code}`)), cell(before[row], means[0]), cell(after[row], means[1]))),
    ),
  );
}
