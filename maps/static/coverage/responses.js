// Who was sent to a case, and how soon they were there: the same for whoever leads them and for themselves.
import { category, count, minute, span, stamp } from "../format.js";
import { el } from "../wall/dom.js";
import { t } from "../words.js";
import { fewClass, percent } from "./figure.js";

/** The share with what it stands on, medians, and what stands outside of it; grey where it stands on too little. */
export function tellResponses({ figure, waiting, median_s: median, p90_s: p90 }) {
  const few = fewClass(figure.denominator, "count");
  const parts = [
    figure.denominator ? t("coverage.response.share", { share: percent(figure.share), part: count(figure.numerator), whole: count(figure.denominator) }) : t("coverage.response.none"),
    median === null ? (figure.numerator ? t("coverage.response.few") : "") : t("coverage.response.median", { median: span(median), p90: span(p90) }),
    waiting ? t("coverage.response.waiting_of", { n: count(waiting) }) : "",
    figure.not_observed ? t("coverage.response.unseen_of", { n: count(figure.not_observed) }) : "",
  ];
  const text = parts.filter(Boolean).join(t("coverage.semicolon"));
  return el("p", { class: `small ${few ?? ""}` }, text, few ? ` ${t("coverage.few.grey")}` : "");
}

/** Whether and when: by the clock, and on duty where that is another. */
export function tellResponse({ outcome, took_s: took, duty_s: duty }) {
  if (outcome !== "came") return t(`coverage.response.${outcome}`);
  return Math.abs(took - duty) < 60 ? span(took) : t("coverage.response.duty", { time: span(took), duty: span(duty) });
}

/** When one was sent and when one came, to be marked over the band of the day. */
export const marksOf = (responses) =>
  responses.flatMap((one) => [
    { at: one.sent_at, kind: "sent", label: t("coverage.pin.sent", { at: minute(one.sent_at), number: one.number, what: category(one.category) }) },
    ...(one.came_at ? [{ at: one.came_at, kind: "came", label: t("coverage.pin.came", { at: minute(one.came_at), number: one.number }) }] : []),
  ]);

export function listOwnResponses(found) {
  if (!found.responses.length) return null;
  const rows = found.responses.map((one) => el("li", {}, el("span", { class: "number" }, minute(one.sent_at)), ` ${category(one.category)} `, el("span", { class: "muted small number" }, one.number), el("span", {}, ` ${tellResponse(one)}`)));
  return el("div", {}, el("h3", {}, t("coverage.tab.cases")), tellResponses(found), el("ul", { class: "sent" }, ...rows));
}

/** A table of all that were sent; `show(case)` puts one on the map. */
export function tableOfResponses({ responses }, show) {
  const rows = responses.map((one) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, one.lon === null ? one.number : el("button", { type: "button", class: "link number", onclick: () => show(one) }, one.number), el("span", { class: "muted small" }, ` ${category(one.category)}`)),
      el("td", { class: "right number" }, stamp(one.sent_at).slice(5)),
      el("td", { class: "right" }, tellResponse(one)),
      el("td", { class: "right" }, one.person_name ?? t("coverage.proof.other")),
    ),
  );
  const heads = ["case.number", "coverage.sent", "coverage.came", "coverage.person"].map((key, place) => el("th", { scope: "col", class: place ? "right" : null }, t(key)));
  return el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows));
}
