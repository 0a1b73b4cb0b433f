// Before and after: the figures of every unit that the plan changes, beside the map, and what it does to people.
import { at, el } from "../wall/dom.js";
import { count, listed, metres, stamp } from "../format.js";
import { t } from "../words.js";
import { balanceChart } from "./balance.js";
import { findInPlan, levelName } from "./find.js";
import { lookAt } from "./listing.js";
import { trying } from "./message.js";
import { current, onWork, readImpact } from "./work.js";

const MOST_OPEN = 12;
let asked = "";

export function startCompare() {
  onWork((what) => what === "plan" && trying(show));
}

async function show() {
  const plan = current();
  const key = plan && `${plan.id} ${plan.state} ${plan.operations.map((each) => `${each.seq}${each.undone}`)}`;
  if (key === asked) return;
  asked = key;
  if (plan === null || !plan.operations.some((each) => !each.undone)) {
    at("compare").replaceChildren();
    return;
  }
  const impact = await readImpact();
  if (asked !== key) return;
  const most = Math.max(1, ...impact.units.flatMap((each) => [each.before?.households ?? 0, each.after?.households ?? 0]));
  at("compare").replaceChildren(
    el("h2", {}, t("planner.compare.title")),
    totals(impact),
    ...groups(impact).map((group) => levelPart(group, most)),
    el("p", { class: "muted small" }, t("planner.compare.as_of", { at: stamp(impact.as_of) })),
  );
}

/** The units that change, level by level, the highest first. */
function groups(impact) {
  const codes = [...new Set(impact.units.map((each) => each.level))];
  return codes.map((code) => ({ code, units: impact.units.filter((each) => each.level === code), level: impact.levels.find((each) => each.level === code) }));
}

function levelPart({ code, units, level }, most) {
  const title = `${levelName(current().network, code)} · ${t("planner.compare.units", { n: units.length })}`;
  return el(
    "details",
    { class: "level", "data-level": code, open: units.length <= MOST_OPEN },
    el("summary", {}, el("h3", {}, title), level ? el("span", { class: "muted small number" }, t("planner.compare.moved.short", { n: number(level.households_moved) })) : null),
    ...(level ? [moves(level), balanceChart(level)].filter(Boolean) : []),
    table(units, most),
  );
}

const number = (value, digits = 0) => (value === null || value === undefined ? "–" : digits ? value.toFixed(digits) : count(value));
const percent = (value) => `${(100 * value).toFixed(0)}${t("unit.percent")}`;

const pair = (label, value) => el("div", {}, el("dt", {}, label), el("dd", { class: "number" }, value));

function totals(impact) {
  return el(
    "dl",
    { class: "totals" },
    pair(t("planner.compare.assignments"), number(impact.people_moved)),
    ...impact.networks.map((each) => pair(t("planner.compare.network", { name: each.name }), `${metres(each.metres)} · ${listed(each.units)}`)),
  );
}

/** Who changes unit at a level, and how even all units below the same parents are. */
function moves(level) {
  const told = (each) => (each === null ? "–" : `${percent(each.max_deviation)} / ${each.gini.toFixed(2)}`);
  const even = level.evenness
    .filter((each) => each.before !== null || each.after !== null)
    .map((each) => pair(t(`planner.even.of.${each.measure}`), `${told(each.before)} → ${told(each.after)}`));
  return el(
    "dl",
    { class: "totals" },
    pair(t("planner.compare.moved"), number(level.households_moved)),
    pair(t("planner.compare.moved.residents"), number(level.residents_moved)),
    ...even,
  );
}

function table(units, most) {
  const heads = ["unit", "households", "cases", "hectares"];
  return el(
    "table",
    { class: "compare" },
    el("caption", { class: "sr" }, t("planner.compare.caption")),
    el("thead", {}, el("tr", {}, ...heads.map((key) => el("th", { scope: "col", class: key === "unit" ? null : "right" }, t(`planner.compare.${key}`))))),
    el("tbody", {}, ...units.flatMap((each) => linesOf(each, most))),
  );
}

/** To a unit that stands, wherever the map is. */
async function goTo(each) {
  const { units } = await findInPlan(each.code, { level: each.level });
  const unit = units.find((found) => found.unit_id === each.unit_id);
  if (unit) await lookAt(unit);
}

function linesOf(each, most) {
  const change = each.before === null ? "born" : each.after === null ? "gone" : "changed";
  const told = (name, digits, scale = 1) => {
    const [one, other] = [each.before, each.after].map((side) => (side === null || side[name] === null ? null : side[name] / scale));
    return number(one, digits) === number(other, digits) ? number(one, digits) : `${number(one, digits)} → ${number(other, digits)}`;
  };
  const cell = (...what) => el("td", { class: "number right" }, told(...what));
  const look = () => trying(() => goTo(each));
  const more = ["residents", "places", "people"].map((name) => `${t(`planner.compare.${name}`)} ${told(name)}`);
  more.push(`${t("planner.compare.streets_m")} ${told("streets_m", 1, 1000)}`, `${t("planner.compare.compactness")} ${told("compactness", 2)}`);
  if (each.before?.units || each.after?.units) more.unshift(`${t("planner.compare.below")} ${told("units")}`);
  if (each.after?.size) more.push(t(`planner.size.${each.after.size}`));
  return [
    el(
      "tr",
      { "data-change": change, class: "first" },
      el("th", { scope: "row" }, el("button", { type: "button", class: "plain name", onclick: look }, each.name), el("span", { class: "muted small number" }, each.code), el("span", { class: "chip", "data-change": change }, t(`planner.change.${change}`))),
      cell("households"),
      cell("cases"),
      cell("area_m2", 2, 10_000),
    ),
    el("tr", {}, el("td", { colspan: 4, class: "more muted number" }, bars(each, most), more.join(" · "))),
  ];
}

/** Households before and after, on one scale for all units. */
function bars(each, most) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 8");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "bars");
  svg.setAttribute("aria-hidden", "true");
  for (const [place, side] of [each.before, each.after].entries()) {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    bar.setAttribute("y", String(place * 4));
    bar.setAttribute("height", "3");
    bar.setAttribute("width", String((100 * (side?.households ?? 0)) / most));
    bar.setAttribute("class", place ? "after" : "before");
    svg.append(bar);
  }
  return svg;
}
