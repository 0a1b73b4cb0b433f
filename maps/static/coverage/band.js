// One person's day as parts of a page: the band, the times, the ways, the shares. The supervisor's page and the phone show the same.
import { metres, minute, span } from "../format.js";
import { el } from "../wall/dom.js";
import { t } from "../words.js";
import { basis, percent } from "./figure.js";

export const KINDS = ["inside_moving", "inside_still", "outside_moving", "outside_still", "unobserved"];
export const WAYS = ["walked", "ridden", "drift", "vehicle", "inaccurate", "leap", "silence"];

/** The band of a day as buttons, each with its times; `choose(stretch)` when one is taken. */
export function makeBand({ duty, band }, choose) {
  if (!duty.length) return el("p", { class: "muted" }, t("coverage.off_duty"));
  const first = Date.parse(duty[0].since);
  const last = Date.parse(duty.at(-1).until);
  const share = (from, to) => (100 * (Date.parse(to) - Date.parse(from))) / (last - first);
  const stretches = band.map((one) => {
    const label = `${minute(one.since)}–${minute(one.until)} ${t(`coverage.kind.${one.kind}`)}`;
    const stretch = el("button", { type: "button", class: "stretch", "data-kind": one.kind, title: label, "aria-label": label, onclick: () => choose(one) });
    stretch.style.insetInlineStart = `${share(duty[0].since, one.since)}%`;
    stretch.style.inlineSize = `${share(one.since, one.until)}%`;
    return stretch;
  });
  const ends = el("p", { class: "small muted number ends" }, el("span", {}, minute(first)), el("span", {}, minute(last)));
  return el("div", {}, el("div", { class: "band", role: "group", "aria-label": t("coverage.band") }, ...stretches), ends);
}

export function makeTimes({ times_s: times }) {
  const whole = KINDS.reduce((sum, kind) => sum + times[kind], 0);
  const rows = KINDS.map((kind) => el("tr", {}, el("th", { scope: "row" }, el("span", { class: "swatch", "data-kind": kind }), t(`coverage.kind.${kind}`)), el("td", { class: "right" }, span(times[kind])), el("td", { class: "right" }, whole ? percent(times[kind] / whole) : "–")));
  return el("table", { class: "times" }, el("tbody", {}, ...rows));
}

export function makeWays({ ways_m: ways, valid_m: valid }) {
  const rest = WAYS.slice(2).filter((kind) => ways[kind] >= 1).map((kind) => `${t(`coverage.way.${kind}`)} ${metres(ways[kind])}`);
  return el("p", {}, t("coverage.way.valid", { length: metres(valid) }), rest.length ? el("span", { class: "muted" }, ` · ${t("coverage.way.rest")} ${rest.join(t("coverage.comma"))}`) : null);
}

/** Both values stand: what was observed, and what accepted notes add. */
export function makeShares({ figures, credited, has_own_grid: own }) {
  const items = [["in_grid", figures.in_grid], ["observability", figures.observability]];
  if (credited.numerator !== figures.in_grid.numerator) items.splice(1, 0, ["credited", credited]);
  const shown = items.map(([key, figure]) => el("div", {}, el("dt", {}, t(`coverage.share.${key}`)), el("dd", {}, el("b", {}, key !== "observability" && !figures.observability.numerator && !figure.numerator ? t("coverage.unobserved") : percent(figure.share)), el("span", { class: "muted small" }, basis(figure)))));
  return el("div", {}, el("dl", { class: "shares" }, ...shown), own ? null : el("p", { class: "small muted" }, t("coverage.no_own")));
}
