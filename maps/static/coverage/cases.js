// Cases beside coverage: pins on the map with their legend and switch, and a table of them with who was sent to each.
import { get } from "../door.js";
import { category, count, stamp } from "../format.js";
import { CASE_STATES, drawCaseMark } from "../map/cases.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";
import { drawPins, showAt } from "./map.js";
import { tableOfResponses, tellResponses } from "./responses.js";
import { go } from "./state.js";

const MOST = 1000;
const PX = 16;
let known = { key: "", cases: [], more: false };

const stateOf = ({ state }) => (CASE_STATES.includes(state) ? state : "ended");

/** The cases of the unit that occurred in the period, the latest MOST of them; asked once for each unit and period. */
async function readCases({ unit, network, from, to, since, until }) {
  const key = [unit, network, from, to].join(" ");
  if (known.key === key) return known;
  const query = new URLSearchParams({ ...(unit ? { unit, network } : {}), from: since, to: until, limit: MOST });
  const { cases, after } = await get(`/v1/cases?${query}`);
  return (known = { key, cases, more: Boolean(after) });
}

/** Pins where they are switched on, and the switch with what each shape means. */
export async function showCases(state) {
  const on = state.cases === "1";
  const found = on ? await readCases(state) : { cases: [], more: false };
  drawPins(found.cases.map((one) => ({ ...one, state: stateOf(one) })));
  at("cases-on").checked = on;
  const items = on ? [...CASE_STATES, "ended"].map((one) => el("li", {}, drawCaseMark(one, PX), one === "ended" ? t("coverage.cases.ended") : t(`case.${one}`))) : [];
  at("case-marks").replaceChildren(...items);
  at("case-more").textContent = found.more ? t("coverage.cases.more", { n: count(MOST) }) : "";
}

/** Who was sent to the unit's cases and how soon they were there, then all cases of the period. */
export async function listCases(state, query) {
  const [sent, { cases, more }] = await Promise.all([get(`/v1/coverage/responses?${query}`), readCases(state)]);
  const show = (one) => {
    if (state.cases !== "1") go({ cases: "1" });
    showAt(one);
  };
  const rows = cases.map((one) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, one.lon === null ? one.number : el("button", { type: "button", class: "link number", onclick: () => show(one) }, one.number)),
      el("td", {}, category(one.category)),
      el("td", {}, t(`case.${one.state}`)),
      el("td", { class: "right number" }, stamp(one.occurred_at).slice(5)),
    ),
  );
  const heads = ["case.number", "case.category", "coverage.state", "case.occurred"].map((key, place) => el("th", { scope: "col", class: place === 3 ? "right" : null }, t(key)));
  const all = el("table", {}, el("caption", { class: "muted small" }, t(more ? "coverage.cases.more" : "coverage.cases.all", { n: count(cases.length) })), el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows));
  const parts = [el("h3", {}, t("coverage.response")), tellResponses(sent), el("p", { class: "muted small" }, t("coverage.response.text"))];
  if (sent.responses.length) parts.push(tableOfResponses(sent, show));
  at("list").replaceChildren(...parts, el("h3", {}, t("coverage.cases.title")), cases.length ? all : el("p", { class: "muted" }, t("coverage.cases.none")));
}
