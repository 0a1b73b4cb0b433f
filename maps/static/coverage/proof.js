// From a percentage to the very fixes: the days that make up a figure, and the visits of one of them with their fixes.
import { get } from "../door.js";
import { clock, count } from "../format.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";
import { amount } from "./figure.js";
import { drawTrail } from "./map.js";
import { go } from "./state.js";

const MOST = 200;
let turn = 0; // an answer that comes after the next question was asked is not shown

/** `proof`: the unit; `prove`: of which measure, where it is not the page's. */
export async function showProof({ proof, prove, page, measure, network, on, from, to }) {
  const of = prove ?? measure;
  const mine = ++turn;
  const found = await get(`/v1/coverage/proof?${new URLSearchParams({ unit: proof, network, measure: of, on: on ?? to, from, to, page: page ?? 1 })}`);
  if (mine !== turn) return;
  const told = (value) => amount(value, found.measure);
  const title = el("h2", {}, t("coverage.proof.title", { unit: found.unit_name, on: found.on, measure: t(`coverage.measure.${of}`) }));
  const days = found.days.length > 1 || found.days[0]?.on !== found.on ? listDays(found, told) : null;
  const draw = (visits) => drawTrail(visits.flatMap(({ fixes }) => fixes.map(({ lon, lat }) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [lon, lat] } }))));
  draw(found.visits);
  const parts = found.expired ? [el("p", { class: "warn" }, t("coverage.expired"))] : [turnPages(found, told), ...tell(found, told), listVisits(found, of, told, draw)];
  at("detail").replaceChildren(...[title, days, ...parts].filter(Boolean));
}

/** Which days the figure is the sum of, each with its part; those whose fixes are gone are marked. */
function listDays({ days, on }, told) {
  const items = days.map((day) => {
    const text = `${day.on.slice(5)} ${told(day.part)}${day.expired ? ` ${t("coverage.proof.gone")}` : ""}`;
    return el("li", {}, el("button", { type: "button", class: "link number", "aria-pressed": String(day.on === on), onclick: () => go({ on: day.on }) }, text));
  });
  return el("div", {}, el("p", { class: "small muted" }, t("coverage.proof.days")), el("ul", { class: "proof-days" }, ...items));
}

/** Of more units than are proven at once: which these are, and the ways to the others. */
function turnPages({ units: { total, page, pages, first_code: first, last_code: last, part }, numerator }, told) {
  if (pages < 2) return null;
  const leaf = (key, to) => el("button", { type: "button", class: "link", disabled: to < 1 || to > pages, onclick: () => go({ page: String(to) }) }, t(key));
  const text = t("coverage.proof.units", { n: count(total), page, pages, first, last, part: told(part), whole: told(numerator ?? part) });
  return el("p", { class: "small" }, text, " ", leaf("coverage.proof.before", page - 1), " ", leaf("coverage.proof.after", page + 1));
}

function tell({ total, visits, proven, units: { part } }, told) {
  const text = total ? t("coverage.proof.text", { n: count(total), what: told(proven) }) : t("coverage.proof.none");
  const shown = Math.min(visits.length, MOST);
  return [
    el("p", {}, text, shown < total ? ` ${t("coverage.proof.first", { n: count(shown) })}` : ""),
    part !== proven ? el("p", { class: "warn small" }, t("coverage.proof.differs", { was: told(part) })) : null,
  ];
}

function listVisits({ visits }, of, told, draw) {
  if (!visits.length) return null;
  const rows = visits.slice(0, MOST).map((visit) => {
    const label = `${clock(visit.since)}–${clock(visit.until)}`;
    const place = of.startsWith("area") ? visit.unit_code : visit.place;
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, el("button", { type: "button", class: "link", onclick: () => draw([visit]) }, label)),
      el("td", { title: visit.place }, place),
      el("td", {}, visit.person_name ?? t("coverage.proof.other")),
      el("td", { class: "right" }, count(visit.fixes.length)),
      el("td", { class: "right" }, visit.amount ? told(visit.amount) : t("coverage.site.short")),
    );
  });
  const head = el("tr", {}, ...["coverage.when", "coverage.proof.place", "coverage.person", "coverage.fixes.head", "coverage.proof.amount"].map((key, place) => el("th", { scope: "col", class: place > 2 ? "right" : null }, t(key))));
  return el("div", { class: "scroll tall", tabindex: "0" }, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
}
