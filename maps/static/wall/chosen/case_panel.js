// One case: its state, where it lies in every network, its log, and who is near enough to be sent.
import { category, moment } from "../../format.js";
import { CASE_STATES, drawCaseMark } from "../../map/cases.js";
import { scaleNow } from "../../map/theme.js";
import { t } from "../../words.js";
import { fillFacts, openDetail, part } from "../detail.js";
import { el } from "../dom.js";
import { showNearest } from "./nearest.js";

/** `one`: as /v1/cases/{number} tells it, or { number, problem }; `reread()` reads and shows it anew. */
export function showCasePanel(one, reread) {
  openDetail(`case ${one.number}`, one.problem ? one.number : category(one.category), one.problem ?? one.number, build);
  if (one.problem) return;
  fillFacts(part("facts"), factsOf(one));
  part("words").textContent = one.description || "";
  part("sent").replaceChildren(...sentTo(one));
  part("places").replaceChildren(...one.places.map(placeRow));
  part("log").replaceChildren(...one.events.map(eventRow));
  showNearest(part("nearest"), one, reread);
}

const build = () => [
  el("dl", { class: "facts" }),
  el("p", { class: "sent", role: "status" }),
  el("p", { class: "words" }),
  el("section", { class: "nearest", hidden: true }),
  el("h3", {}, t("case.places")),
  el("ul", { class: "places" }),
  el("h3", {}, t("case.log")),
  el("ol", { class: "log" }),
];

function factsOf(one) {
  const mark = el("i", { class: "mark" });
  if (CASE_STATES.includes(one.state)) mark.append(drawCaseMark(one.state, 18 * scaleNow()));
  return [
    [t("wall.state"), el("span", {}, mark, t(`case.${one.state}`))],
    [t("case.level"), String(one.level)],
    [t("case.occurred"), moment(one.occurred_at)],
    [t("case.reported_at"), moment(one.reported_at)],
    [t("case.owner"), one.owner_name],
  ];
}

/** Who was sent, and whether they know. */
function sentTo(one) {
  if (!one.assignee_name || one.state !== "assigned") return [];
  const known = one.acknowledged_at;
  const text = known ? t("case.known", { time: moment(known) }) : t("case.unknown");
  return [el("strong", {}, t("case.sent", { name: one.assignee_name })), el("span", { class: known ? "good" : "warn" }, text)];
}

function placeRow(place) {
  const chain = [...place.units].reverse().map((unit) => unit.name);
  const short = chain.map((name, index) => (index && name.startsWith(chain[index - 1]) ? name.slice(chain[index - 1].length) : name) || name);
  return el("li", {}, short.length ? short.join(" › ") : t("case.nowhere"));
}

function eventRow(event) {
  return el("li", {}, el("span", {}, t(`step.${event.kind}`), " · ", event.actor), el("time", { datetime: event.at }, moment(event.at)), event.note ? el("span", { class: "muted small" }, event.note) : null);
}
