// The right panel: one person or one case.
import { age, clock, count, metres, minute, stamp } from "../format.js";
import { CASE_STATES, drawCaseMark } from "../map/cases.js";
import { drawMark } from "../map/dots.js";
import { t } from "../words.js";
import { at, el } from "./dom.js";

let close = () => undefined;

export function onClose(act) {
  close = act;
}

export function hideDetail() {
  at("detail").hidden = true;
  at("detail").replaceChildren();
}

function show(title, subtitle, ...parts) {
  const button = el("button", { type: "button", class: "close", title: t("close"), onclick: () => close() }, el("span", { class: "sr" }, t("close")), cross());
  at("detail").replaceChildren(button, el("h2", {}, title), el("p", { class: "muted" }, subtitle), ...parts);
  at("detail").setAttribute("aria-label", title);
  at("detail").hidden = false;
}

function cross() {
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  mark.setAttribute("viewBox", "0 0 16 16");
  mark.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M4 4l8 8M12 4l-8 8");
  path.setAttribute("stroke", "currentColor");
  path.setAttribute("stroke-width", "1.5");
  mark.append(path);
  return mark;
}

const list = (pairs) =>
  el("dl", {}, ...pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]));

/** `dot`: as the feed tells it, null when off shift; `trail`: of `readTrail`, null while it is read. */
export function showPerson(code, dot, trail) {
  const subtitle = dot ? [dot.role_name, dot.unit_name].filter(Boolean).join(" · ") : t("person.gone");
  const facts = dot
    ? [
        [t("wall.state"), el("span", {}, marked(dot.state), t(`state.${dot.state}`))],
        [t("person.last_fix"), dot.fixed_at ? `${clock(dot.fixed_at)} · ${age((Date.now() - Date.parse(dot.fixed_at)) / 1000)}` : "–"],
        [t("person.speed"), dot.speed_mps === null ? null : `${dot.speed_mps.toFixed(1)} ${t("unit.mps")}`],
        [t("person.accuracy"), dot.accuracy_m === null ? null : `± ${Math.round(dot.accuracy_m)} ${t("unit.m")}`],
        [t("person.battery"), dot.battery_pct === null ? null : `${Math.round(dot.battery_pct)}%`],
      ]
    : [];
  show(dot?.name ?? code, subtitle, list(facts), el("h3", {}, t("person.trail")), ...trailParts(trail));
}

function marked(state) {
  const mark = el("i", { class: "mark" });
  mark.append(drawMark(state, 4.5));
  return mark;
}

function trailParts(trail) {
  if (trail === null) return [el("p", { class: "muted" }, t("loading"))];
  if (trail.error) return [el("p", { class: "muted" }, trail.error)];
  const looked = el("p", { class: "muted small" }, t("person.looked"));
  if (!trail.fixes) return [el("p", { class: "muted" }, t("person.trail.none")), looked];
  const facts = [
    [t("person.trail.length"), metres(trail.length_m)],
    [t("person.trail.fixes"), count(trail.fixes)],
    [t("person.trail.stays"), count(trail.stays)],
    [t("person.trail.gaps"), count(trail.gaps)],
  ];
  const span = t("person.trail.since", { from: minute(trail.from), to: minute(trail.to) });
  return [el("p", { class: "muted small" }, span), list(facts), looked];
}

/** `one`: as /v1/cases/{number} tells it, or { number, problem }. */
export function showCase(one) {
  if (one.problem) return show(one.number, one.problem);
  const mark = el("i", { class: "mark" });
  if (CASE_STATES.includes(one.state)) mark.append(drawCaseMark(one.state));
  const facts = [
    [t("wall.state"), el("span", {}, mark, t(`case.${one.state}`))],
    [t("case.level"), String(one.level)],
    [t("case.occurred"), stamp(one.occurred_at)],
    [t("case.reported_at"), stamp(one.reported_at)],
    [t("case.owner"), one.owner_name],
    [t("case.assignee"), one.assignee_name],
  ];
  const log = one.events.map((event) => el("li", {}, el("span", {}, t(`case.${event.state}`), " · ", event.actor), el("time", { datetime: event.at }, stamp(event.at))));
  show(one.category, one.number, list(facts), el("p", {}, one.description || ""), el("h3", {}, t("case.log")), el("ol", { class: "log" }, ...log));
}
