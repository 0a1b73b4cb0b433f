// One person: who and how they are, their day so far, following, and how much of the trail is drawn.
import { age, clock, count, metres, minute, share, span } from "../../format.js";
import { drawMark } from "../../map/marks.js";
import { scaleNow } from "../../map/theme.js";
import { t } from "../../words.js";
import { fillFacts, openDetail, part, setText } from "../detail.js";
import { el } from "../dom.js";
import { isFollowing, switchFollowing } from "./follow.js";
import { go, now as stateNow } from "../state.js";

const SPANS = ["10", "30", "60", null]; // minutes; null: the day

/** `dot`: as the feed tells it, null when off shift; `trail`: of `readTrail`, `today`: of /v1/people/{code}/today, null while read. */
export function showPersonPanel(code, { dot, trail, today }) {
  const subtitle = dot ? [dot.role_name, dot.unit_name].filter(Boolean).join(" · ") : t("person.gone");
  openDetail(`person ${code}`, dot?.name ?? today?.name ?? code, subtitle, () => build(code));
  fillFacts(part("facts"), dot ? factsOf(dot) : []);
  showFollow(code, dot);
  fillFacts(part("today"), todayFacts(today));
  setText(part("today-note"), today === null ? t("loading") : today.problem ? t("failed", { what: today.problem }) : t("wall.as_of", { time: clock(today.as_of) }));
  for (const button of part("spans").children) button.setAttribute("aria-pressed", String((button.dataset.minutes || null) === stateNow().trail));
  showTrailFacts(trail);
}

const build = (code) => [
  el("dl", { class: "facts" }),
  el("button", { type: "button", class: "follow", onclick: switchFollowing }, t("person.follow")),
  el("h3", {}, t("person.today")),
  el("dl", { class: "today" }),
  el("p", { class: "muted small today-note" }),
  el("h3", { id: "trail-title" }, t("person.trail")),
  el("div", { class: "spans", role: "group", "aria-labelledby": "trail-title" }, ...SPANS.map((minutes) => spanButton(minutes, code))),
  el("p", { class: "muted small trail-note" }),
  el("dl", { class: "trail" }),
  el("p", { class: "muted small looked" }, t("person.looked")),
];

const spanButton = (minutes) =>
  el("button", { type: "button", "data-minutes": minutes ?? "", onclick: () => go({ trail: minutes }, { quiet: true }) }, minutes ? t("person.trail.minutes", { n: minutes }) : t("person.trail.day"));

function factsOf(dot) {
  const percent = dot.battery_pct === null ? null : `${Math.round(dot.battery_pct)}%`;
  return [
    [t("wall.state"), stateOf(dot)],
    [t("person.last_fix"), dot.fixed_at ? `${clock(dot.fixed_at)} · ${t("person.ago", { age: age((Date.now() - Date.parse(dot.fixed_at)) / 1000) })}` : t("person.unheard")],
    [t("person.speed"), dot.speed_mps === null ? null : `${dot.speed_mps.toFixed(1)} ${t("unit.mps")}`],
    [t("person.accuracy"), dot.accuracy_m === null ? null : `± ${Math.round(dot.accuracy_m)} ${t("unit.m")}`],
    [t("person.battery"), percent && dot.charging ? t("person.charging", { percent }) : percent],
  ];
}

function stateOf(dot) {
  const mark = el("i", { class: "mark" });
  mark.append(drawMark(dot.state, 4.5 * scaleNow()));
  const reason = dot.reason ? ` · ${t(`reason.${dot.reason}`)}` : "";
  return el("span", {}, mark, t(`state.${dot.state}`), reason);
}

function showFollow(code, dot) {
  const button = part("follow");
  button.hidden = !dot || dot.lon === null;
  button.setAttribute("aria-pressed", String(isFollowing(code)));
  setText(button, t(isFollowing(code) ? "person.following" : "person.follow"));
}

function todayFacts(today) {
  if (!today || today.problem) return [];
  const { in_own_s: own, observed_s: observed, on_shift_s: onShift } = today;
  return [
    [t("person.moved"), metres(today.moved_m)],
    [t("person.in_own"), t("person.of", { part: span(own), whole: span(observed), share: share(own, observed) })],
    [t("person.observed"), t("person.of", { part: span(observed), whole: span(onShift), share: share(observed, onShift) })],
  ];
}

function showTrailFacts(trail) {
  part("looked").hidden = !trail || Boolean(trail.error);
  const none = trail && !trail.error && !trail.fixes;
  const told = trail?.fixes ? t("person.trail.since", { from: minute(trail.from), to: minute(trail.to) }) : "";
  setText(part("trail-note"), trail === null ? t("loading") : (trail.error ?? (none ? t("person.trail.none") : told)));
  const facts = trail?.fixes
    ? [
        [t("person.trail.length"), metres(trail.length_m)],
        [t("person.trail.fixes"), count(trail.fixes)],
        [t("person.trail.stays"), count(trail.stays)],
        [t("person.trail.gaps"), count(trail.gaps)],
      ]
    : [];
  fillFacts(part("trail"), facts);
}
