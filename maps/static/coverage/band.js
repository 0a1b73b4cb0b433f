// One person's day as parts of a page: the band, the times, the ways, the shares. The supervisor's page and the phone show the same.
import { clock, metres, minute, span } from "../format.js";
import { el } from "../wall/dom.js";
import { t } from "../words.js";
import { basis, percent } from "./figure.js";

export const KINDS = ["inside_moving", "inside_still", "outside_moving", "outside_still", "unobserved"];
export const WAYS = ["walked", "ridden", "drift", "vehicle", "inaccurate", "leap", "silence"];
const SLIP_PX = 5; // a click is not quite still

/** The band of a day as buttons, each with its times; `choose({ since, until })` when one is taken, several with Shift, or some
    time drawn over them. `chosen`: what is. `marks`: [{ at, kind, label }] above it. */
export function makeBand({ duty, band }, choose, { chosen = null, marks = [] } = {}) {
  if (!duty.length) return el("p", { class: "muted" }, t("coverage.off_duty"));
  const first = Date.parse(duty[0].since);
  const last = Date.parse(duty.at(-1).until);
  const share = (instant) => Math.min(100, Math.max(0, (100 * (new Date(instant) - first)) / (last - first)));
  const lay = (element, since, until) => {
    element.style.insetInlineStart = `${share(since)}%`;
    element.style.inlineSize = `${share(until) - share(since)}%`;
    return element;
  };
  const mark = el("span", { class: "taken", hidden: !chosen });
  if (chosen) lay(mark, chosen.since, chosen.until);
  const take = (one, { shiftKey }) => {
    const from = shiftKey && chosen ? Math.min(new Date(chosen.since), new Date(one.since)) : one.since;
    const to = shiftKey && chosen ? Math.max(new Date(chosen.until), new Date(one.until)) : one.until;
    choose({ since: new Date(from).toISOString(), until: new Date(to).toISOString(), kind: shiftKey && chosen ? undefined : one.kind });
  };
  const stretches = band.map((one) => {
    const label = `${minute(one.since)}–${minute(one.until)} ${t(`coverage.kind.${one.kind}`)}`;
    const stretch = el("button", { type: "button", class: "stretch", "data-kind": one.kind, title: label, "aria-label": label, onclick: (event) => take(one, event) });
    return lay(stretch, one.since, one.until);
  });
  const bar = el("div", { class: "band", role: "group", "aria-label": t("coverage.band") }, ...stretches, mark);
  drawOver(bar, (from, to) => lay(mark, first + from * (last - first), first + to * (last - first)), (from, to) => {
    choose({ since: new Date(first + from * (last - first)).toISOString(), until: new Date(first + to * (last - first)).toISOString() });
  });
  const pins = marks.map(({ at, kind, label }) => {
    const pin = el("span", { class: "pin", "data-pin": kind, role: "img", "aria-label": label, title: label });
    pin.style.insetInlineStart = `${share(at)}%`;
    return pin;
  });
  const ends = el("p", { class: "small muted number ends" }, el("span", {}, minute(first)), el("span", {}, minute(last)));
  return el("div", {}, pins.length ? el("div", { class: "pins" }, ...pins) : null, bar, ends, el("p", { class: "small muted" }, t("coverage.band.text")));
}

/** Pointer from one place of the bar to another: `show(from, to)` on the way, `done` at the end, in parts of its width. */
function drawOver(bar, show, done) {
  let start = null;
  let drawn = null;
  const place = (event) => {
    const { left, width } = bar.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  bar.addEventListener("pointerdown", (event) => {
    if (event.button === 0) start = { x: event.clientX, at: place(event) };
    drawn = null;
  });
  bar.addEventListener("pointermove", (event) => {
    if (!start || (!drawn && Math.abs(event.clientX - start.x) < SLIP_PX)) return;
    if (!drawn) bar.setPointerCapture(event.pointerId);
    const at = place(event);
    drawn = [Math.min(at, start.at), Math.max(at, start.at)];
    bar.querySelector(".taken").hidden = false;
    show(...drawn);
  });
  bar.addEventListener("pointerup", () => {
    start = null;
    if (drawn && drawn[1] > drawn[0]) done(...drawn);
  });
  bar.addEventListener("pointercancel", () => (start = null));
  bar.addEventListener("click", (event) => {
    if (drawn) event.stopPropagation(); // what ends a drawing is no click
    drawn = null;
  }, true);
}

/** “08:00:00–09:30:00”, of what kind, with how many fixes. */
export const tellStretch = ({ since, until, kind }, more = "") => [`${clock(since)}–${clock(until)}${kind ? ` ${t(`coverage.kind.${kind}`)}` : ""}`, more].filter(Boolean).join(t("coverage.comma"));

/** The five times of a day; where it has several shifts, each of them and their sum, with all figures of each. */
export function makeTimes(day) {
  return day.shifts.length > 1 ? makeShifts(day) : makeOneShift(day);
}

const nameOf = (key) => t(`coverage.share.${key === "in_grid_credited" ? "credited" : key}`);
const FEW_S = 3600; // on duty for less than this, a share says little

function makeShifts({ shifts, times_s, ways_m, valid_m, figures, credited }) {
  const columns = [...shifts.map((one) => ({ ...one, name: `${minute(one.since)}–${minute(one.until)}` })), { times_s, ways_m, valid_m, figures: { ...figures, in_grid_credited: credited }, name: t("coverage.shift.sum") }];
  const wholeOf = ({ times_s: times }) => KINDS.reduce((sum, kind) => sum + times[kind], 0);
  const noted = credited.numerator !== figures.in_grid.numerator ? ["in_grid_credited"] : [];
  const lost = WAYS.slice(2).filter((kind) => ways_m[kind] >= 1);
  const rows = [
    [t("coverage.shift.duty"), (one) => span(wholeOf(one))],
    ...KINDS.map((kind) => [el("span", {}, el("span", { class: "swatch", "data-kind": kind }), t(`coverage.kind.${kind}`)), (one) => span(one.times_s[kind])]),
    ...["in_grid", ...noted, "observability"].map((key) => [nameOf(key), (one) => shareOf(one.figures, key)]),
    ...WAYS.slice(0, 2).map((kind) => [t(`coverage.way.${kind}`), (one) => metres(one.ways_m[kind])]),
    ...lost.map((kind) => [`${t("coverage.way.rest")}${t(`coverage.way.${kind}`)}`, (one) => metres(one.ways_m[kind])]),
  ];
  const head = el("tr", {}, el("th", { scope: "col" }, t("coverage.shift")), ...columns.map(({ name }) => el("th", { scope: "col", class: "right" }, name)));
  const body = rows.map(([name, tell]) => el("tr", {}, el("th", { scope: "row" }, name), ...columns.map((one) => el("td", { class: wholeOf(one) < FEW_S ? "right few" : "right" }, tell(one)))));
  return el("div", { class: "scroll", tabindex: "0" }, el("table", { class: "times shifts" }, el("thead", {}, head), el("tbody", {}, ...body)));
}

function makeOneShift({ times_s: times }) {
  const whole = KINDS.reduce((sum, kind) => sum + times[kind], 0);
  const rows = KINDS.map((kind) => el("tr", {}, el("th", { scope: "row" }, el("span", { class: "swatch", "data-kind": kind }), t(`coverage.kind.${kind}`)), el("td", { class: "right" }, span(times[kind])), el("td", { class: "right" }, whole ? percent(times[kind] / whole) : "–")));
  return el("table", { class: "times" }, el("tbody", {}, ...rows));
}

export function makeWays({ ways_m: ways, valid_m: valid }) {
  const rest = WAYS.slice(2).filter((kind) => ways[kind] >= 1).map((kind) => `${t(`coverage.way.${kind}`)} ${metres(ways[kind])}`);
  return el("p", {}, t("coverage.way.valid", { length: metres(valid) }), rest.length ? el("span", { class: "muted" }, ` · ${t("coverage.way.rest")} ${rest.join(t("coverage.comma"))}`) : null);
}

/** Of somebody whom no fix shows, nothing is said of where they were, unless a note does. */
function shareOf(figures, key) {
  const figure = figures[key];
  const unknown = key !== "observability" && !figures.observability.numerator && !figure.numerator;
  return figure.share === null || unknown ? t("coverage.unobserved") : percent(figure.share);
}

/** Both values stand: what was observed, and what accepted notes add. */
export function makeShares({ figures, credited, has_own_grid: own }) {
  const all = { ...figures, in_grid_credited: credited };
  const noted = credited.numerator !== figures.in_grid.numerator ? ["in_grid_credited"] : [];
  const shown = ["in_grid", ...noted, "observability"].map((key) => el("div", {}, el("dt", {}, nameOf(key)), el("dd", {}, el("b", {}, shareOf(all, key)), el("span", { class: "muted small" }, basis(all[key])))));
  return el("div", {}, el("dl", { class: "shares" }, ...shown), own ? null : el("p", { class: "small muted" }, t("coverage.no_own")));
}

/** The answer to a note: accepted, accepted with nothing to be added (it was seen in the own grid, or off duty), or declined. */
export const outcomeOf = ({ answer, credited_s: credited }) => (answer === "accepted" && !credited ? "accepted_none" : answer);
