// From a percentage to the very fixes: the visits of a unit's ground on a day.
import { get } from "../door.js";
import { clock, count } from "../format.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";
import { amount } from "./figure.js";
import { drawTrail } from "./map.js";

const MOST = 200;

/** `name` of the unit, where it is known. */
export async function showProof({ proof, network, on, to }, name) {
  const day = on ?? to;
  const found = await get(`/v1/coverage/proof?${new URLSearchParams({ unit: proof, network, on: day })}`);
  const title = el("h2", {}, t("coverage.proof.title", { unit: name ?? proof, on: day }));
  if (found.expired) {
    drawTrail([]);
    return at("detail").replaceChildren(title, el("p", { class: "warn" }, t("coverage.expired")));
  }
  const draw = (visits) => drawTrail(visits.flatMap(({ fixes }) => fixes.map(({ lon, lat }) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [lon, lat] } }))));
  draw(found.visits);
  const rows = found.visits.slice(0, MOST).map((visit) => {
    const label = `${clock(visit.since)}–${clock(visit.until)}`;
    return el("tr", {}, el("th", { scope: "row" }, el("button", { type: "button", class: "link", onclick: () => draw([visit]) }, label)), el("td", {}, visit.person_name ?? t("coverage.proof.other")), el("td", { class: "right" }, count(visit.fixes.length)), el("td", { class: "right" }, amount(visit.area_cm2, "cm2")));
  });
  const head = el("tr", {}, ...["coverage.when", "coverage.person", "coverage.fixes.head", "coverage.area"].map((key, place) => el("th", { scope: "col", class: place > 1 ? "right" : null }, t(key))));
  const text = found.total ? t("coverage.proof.text", { n: count(found.total), area: amount(found.area_cm2, "cm2") }) : t("coverage.proof.none");
  const table = el("div", { class: "scroll tall", tabindex: "0" }, el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
  at("detail").replaceChildren(title, el("p", {}, text), ...(rows.length ? [table] : []));
}
