// The calendar and the hours of the week: tables that are coloured, so that they read without colours too.
import { count, span } from "../format.js";
import { at, el } from "../wall/dom.js";
import { isEnglish, t } from "../words.js";
import { basis, isFew, percent } from "./figure.js";
import { go } from "./state.js";

const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7];
const rankOf = (share) => [0.2, 0.4, 0.6, 0.8].filter((limit) => share >= limit).length;
const dayName = (weekday) => t(`coverage.weekday.${weekday}`);

export function showCalendar({ days }, { on }) {
  const first = new Date(`${days[0].on}T00:00Z`).getUTCDay() || 7;
  const cells = [...Array(first - 1).fill(null), ...days];
  const weeks = Array.from({ length: Math.ceil(cells.length / 7) }, (_, n) => cells.slice(7 * n, 7 * n + 7));
  const head = el("tr", {}, ...WEEKDAYS.map((weekday) => el("th", { scope: "col" }, dayName(weekday))));
  const rows = weeks.map((week) => el("tr", {}, ...week.map((cell) => (cell ? dayCell(cell, on) : el("td", {})))));
  at("calendar").replaceChildren(el("table", { class: "heat calendar" }, el("thead", {}, head), el("tbody", {}, ...rows)));
}

function dayCell({ on, is_working_day: works, holiday, holiday_en: holidayEn, area, edition_changed: changed }, chosen) {
  const share = area?.share ?? null;
  const name = (isEnglish ? holidayEn : holiday) ?? (works ? "" : t("coverage.rest_day"));
  const extra = works && [6, 0].includes(new Date(`${on}T00:00Z`).getUTCDay()) ? t("coverage.worked") : name;
  const told = area ? `${percent(share)}${t("coverage.comma")}${basis(area)}` : t("coverage.not_computed");
  const label = [on, told, extra, changed ? t("coverage.edition_changed") : ""].filter(Boolean).join(t("coverage.comma"));
  const inside = [el("span", { class: "small" }, String(Number(on.slice(8)))), el("b", {}, area ? (share === null ? "–" : `${Math.round(100 * share)}`) : "·"), el("span", { class: "sr" }, label)];
  const attributes = { type: "button", title: label, "aria-pressed": String(on === chosen), "data-rank": share === null ? "none" : rankOf(share), class: area && isFew(area) ? "few" : null, onclick: () => go({ on: on === chosen ? null : on, part: null }) };
  return el("td", {}, el("button", attributes, ...inside));
}

export function showWeek({ days, hours }) {
  const by = new Map(hours.map((one) => [`${one.weekday} ${one.hour}`, one]));
  const most = Math.max(1, ...hours.map((one) => one.visits / Math.max(1, days[one.weekday - 1])));
  const columns = Array.from({ length: 24 }, (_, hour) => hour);
  const head = el("tr", {}, el("td", {}), ...columns.map((hour) => el("th", { scope: "col" }, hour % 3 ? el("span", { class: "sr" }, `${hour}`) : `${hour}`)));
  const rows = WEEKDAYS.map((weekday) => el("tr", {}, el("th", { scope: "row" }, dayName(weekday)), ...columns.map((hour) => hourCell(by.get(`${weekday} ${hour}`), days[weekday - 1], most))));
  at("week-note").textContent = t("coverage.week.text", { n: count(hours.reduce((sum, one) => sum + one.visits, 0)) });
  at("week").replaceChildren(el("table", { class: "heat week" }, el("thead", {}, head), el("tbody", {}, ...rows)));
}

function hourCell(one, days, most) {
  if (!days) return el("td", { "data-rank": "none", title: t("coverage.not_computed") }, el("span", { class: "sr" }, t("coverage.not_computed")));
  const visits = one ? one.visits / days : 0;
  const text = visits ? t("coverage.week.cell", { n: visits.toFixed(visits < 10 ? 1 : 0), time: span(one.dwell_s / days) }) : t("coverage.week.no");
  return el("td", { "data-rank": visits ? Math.min(4, Math.floor((5 * visits) / most)) : "0", "data-empty": !visits, title: text }, el("span", { class: "sr" }, text));
}

const WIDE = 300;
const HIGH = 72;
const EDGE = 6;
const NS = "http://www.w3.org/2000/svg";

function draw(tag, attributes, ...children) {
  const shape = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  shape.append(...children);
  return shape;
}

/** Twelve weeks as a small line from 0 to 100 %. A week without a computed day, or with nobody to be observed, is a gap. */
export function showTrend({ weeks }, { measure }) {
  const x = (row) => EDGE + ((WIDE - 2 * EDGE) * row) / (weeks.length - 1);
  const y = (share) => HIGH - EDGE - (HIGH - 2 * EDGE) * share;
  const told = weeks.map((week, row) => ({ ...week, row, figure: week.figures[measure], share: week.figures[measure]?.share ?? null }));
  const runs = [];
  for (const one of told) {
    if (one.share === null) runs.push([]);
    else (runs.at(-1) ?? runs[runs.push([]) - 1]).push(one);
  }
  const lines = runs.filter((run) => run.length > 1).map((run) => draw("polyline", { class: "trend-line", points: run.map(({ row, share }) => `${x(row)},${y(share)}`).join(" ") }));
  const dots = told.filter(({ share }) => share !== null).map((one) => draw("circle", { class: ["trend-dot", one.days < 7 ? "part" : "", isFew(one.figure) ? "few" : ""].filter(Boolean).join(" "), cx: x(one.row), cy: y(one.share), r: 3 }, draw("title", {}, textOf(one))));
  const rules = [0, 0.5, 1].map((share) => draw("line", { class: "trend-rule", x1: 0, x2: WIDE, y1: y(share), y2: y(share) }));
  const picture = draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": t("coverage.trend") }, ...rules, ...lines, ...dots);
  const scale = el("div", { class: "trend-scale small muted number", "aria-hidden": "true" }, ...[1, 0].map((share) => el("span", {}, `${100 * share}${t("unit.percent")}`)));
  const last = told.findLast(({ share }) => share !== null);
  const ends = el("p", { class: "small muted number ends" }, el("span", {}, told[0].monday.slice(5)), el("span", {}, told.at(-1).monday.slice(5)));
  const rows = told.map((one) => el("tr", { class: one.figure && isFew(one.figure) ? "few" : null }, el("th", { scope: "row", class: "number" }, one.monday), el("td", { class: "right" }, percent(one.share)), el("td", { class: "right" }, t("coverage.trend.days", { n: one.days }))));
  const table = el("details", {}, el("summary", { class: "small" }, t("coverage.trend.table")), el("table", {}, el("tbody", {}, ...rows)));
  at("trend").replaceChildren(el("p", { class: "small" }, last ? textOf(last) : t("coverage.trend.none")), el("div", { class: "trend-box" }, scale, picture, ends), table);
}

const textOf = ({ monday, share, figure, days, edition_changed: changed }) =>
  [t("coverage.trend.week", { monday: monday.slice(5), share: percent(share), days }), basis(figure), changed ? t("coverage.edition_changed") : ""].filter(Boolean).join(t("coverage.comma"));
