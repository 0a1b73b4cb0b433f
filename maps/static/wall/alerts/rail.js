// The rail of alerts: what somebody should look at now, calls for help on top until somebody puts a name to them.
import { get, send } from "../../door.js";
import { age, category, clock, count, moment } from "../../format.js";
import { t } from "../../words.js";
import { announceNew } from "./news.js";
import { openTotals, toCase } from "../chosen_case.js";
import { toPerson } from "../chosen_person.js";
import { at, el } from "../dom.js";
import { lookAt } from "../going.js";
import { here, on, sees } from "../here.js";
import { markAlerts } from "./marks.js";
import { byCode } from "../people.js";
import { hasSound, wantSound } from "./say.js";
import { go } from "../state.js";

const KINDS = ["sos", "urgent_case", "silent", "unit_empty"];
const ANSWERS = new Set(["fine", "low_battery", "meeting", "no_signal"]);
const FEW = 3; // of the kinds that come in numbers; calls for help are all shown
const MOST = 100;
const ASK_MS = 15_000;

const items = new Map(); // id → { alert, row }
const opened = new Set(); // kinds of which all are listed
let alerts = [];
let drawn = "";
let heardAt = 0;

/** Show the rail and keep it: from the stream, or by asking where the stream tells no alerts. */
export function startAlerts() {
  at("alerts").hidden = sees.movement !== "yes";
  if (at("alerts").hidden) return;
  on("alerts", (told) => {
    heardAt = Date.now();
    show(told);
  });
  on("frame", () => markAlerts(alerts));
  on("cases", draw); // their categories name them
  at("alerts-list").addEventListener("keydown", moveInRail);
  at("sound").addEventListener("click", () => {
    wantSound(!hasSound());
    showSound();
  });
  showSound();
  setInterval(showAges, 10_000);
  setInterval(askUnlessTold, ASK_MS);
}

/** The stream tells them; where it is live and never did, they are asked for. */
async function askUnlessTold() {
  if (heardAt || at("connection").dataset.state !== "live") return;
  const told = await get("/v1/alerts").catch(() => null);
  if (told) show(told.alerts);
}

function show(told) {
  const before = alerts;
  alerts = told;
  draw();
  markAlerts(alerts);
  announceNew(before, alerts, titleOf);
}

function draw() {
  const groups = KINDS.map((kind) => [kind, alerts.filter((one) => one.kind === kind)]).filter(([, list]) => list.length);
  const kept = new Set(alerts.map((one) => one.id));
  for (const id of items.keys()) if (!kept.has(id)) items.delete(id);
  const order = JSON.stringify([groups.map(([kind, list]) => [kind, list.map((one) => one.id)]), [...opened]]);
  if (order === drawn) groups.forEach(([, list]) => list.forEach((one) => items.has(one.id) && rowOf(one)));
  else keepFocus(() => at("alerts-list").replaceChildren(...groups.map(([kind, list]) => groupOf(kind, list))));
  drawn = order;
  const open = alerts.filter((one) => !one.acknowledged_at).length;
  at("alerts").dataset.calm = alerts.length ? "no" : "yes";
  const text = alerts.length ? t("alert.count", { open: count(open), all: count(alerts.length) }) : t("alert.none");
  set(at("alerts-count"), text);
}

/** Rows that are laid anew keep the focus that stood in them. */
function keepFocus(act) {
  const focused = document.activeElement;
  const kind = focused?.classList.contains("more") ? focused.closest("[data-kind]")?.dataset.kind : null;
  act();
  if (kind) at("alerts-list").querySelector(`[data-kind="${kind}"] .more`)?.focus();
  else if (focused !== document.activeElement && at("alerts-list").contains(focused)) focused.focus();
}

function groupOf(kind, list) {
  const all = opened.has(kind) || kind === "sos";
  const shown = list.slice(0, all ? MOST : FEW);
  const rows = shown.map(rowOf);
  const group = el("li", { class: "group", "data-kind": kind }, el("h3", {}, t(`alert.${kind}`), el("span", { class: "number muted" }, count(list.length))), el("ul", {}, ...rows));
  if (kind !== "sos" && list.length > FEW) group.append(moreButton(kind, list.length, all));
  return group;
}

function moreButton(kind, total, all) {
  const text = all ? t("alert.fewer") : t("alert.more", { count: count(total - FEW) });
  const toggle = () => {
    if (all) opened.delete(kind);
    else opened.add(kind);
    draw();
  };
  return el("button", { type: "button", class: "more", "aria-expanded": String(all), onclick: toggle }, text);
}

/** A row is made once and changed after, so that the focus stays in it. */
function rowOf(alert) {
  const known = items.get(alert.id);
  const item = known ?? { row: makeRow(alert.id) };
  item.alert = alert;
  items.set(alert.id, item);
  refresh(item);
  return item.row;
}

function makeRow(id) {
  const row = el("li", { class: "alert" });
  const open = el("button", { type: "button", class: "look", onclick: () => lookAtAlert(items.get(id).alert) }, el("strong", {}), el("time", { class: "number" }), el("span", { class: "muted" }));
  const take = el("button", { type: "button", class: "take", onclick: () => acknowledge(id) }, t("alert.acknowledge"));
  row.append(open, take, el("p", { class: "muted small by" }));
  return row;
}

function refresh({ alert, row }) {
  const done = Boolean(alert.acknowledged_at);
  row.dataset.done = done ? "yes" : "no";
  set(row.querySelector("strong"), titleOf(alert));
  set(row.querySelector(".look .muted"), detailOf(alert));
  set(row.querySelector(".by"), done ? t("alert.acknowledged", { who: alert.acknowledged_by, time: moment(alert.acknowledged_at) }) : "");
  const time = row.querySelector("time");
  time.dateTime = alert.raised_at;
  time.title = clock(alert.raised_at);
  set(time, age((Date.now() - Date.parse(alert.raised_at)) / 1000));
  const take = row.querySelector(".take");
  take.setAttribute("aria-label", `${t("alert.acknowledge")} · ${titleOf(alert)}`);
  if (done && document.activeElement === take) row.querySelector(".look").focus();
  take.hidden = done;
}

const set = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
};

function showAges() {
  for (const item of items.values()) if (item.row.isConnected) refresh(item);
}

/** Who or what it is about. */
export function titleOf({ kind, person, unit, case: number }) {
  if (kind === "urgent_case") return category(openTotals().cases?.find((one) => one.number === number)?.category) ?? number;
  return person?.name ?? unit?.name ?? t(`alert.${kind}`);
}

function detailOf(alert) {
  const asked = alert.asked_at ? t("alert.asked", { time: moment(alert.asked_at) }) : "";
  const reason = alert.reason && alert.reason !== "unknown" ? t("alert.reason", { reason: reasonOf(alert) }) : "";
  const answer = alert.answered ? t("alert.answered", { text: ANSWERS.has(alert.answered) ? t(`answer.${alert.answered}`) : alert.answered }) : "";
  const where = alert.kind === "unit_empty" ? "" : (alert.unit?.name ?? "");
  return [alert.case, where, alert.person?.phone, asked, alert.answered ? answer : reason, alert.note].filter(Boolean).join(" · ");
}

function reasonOf({ reason, person }) {
  const battery = byCode(person?.code)?.battery_pct;
  return reason === "battery" && typeof battery === "number" ? t("reason.battery_at", { percent: Math.round(battery) }) : t(`reason.${reason}`);
}

/** Choose what it is about and bring the camera there. */
function lookAtAlert(alert) {
  const dot = alert.person && byCode(alert.person.code);
  const point = dot?.lon != null ? [dot.lon, dot.lat] : alert.lon != null ? [alert.lon, alert.lat] : null;
  if (alert.person) toPerson(alert.person.code);
  else if (alert.case) toCase(alert.case);
  else if (alert.unit) return go({ network: alert.unit.network ?? here.place.network.code, unit: alert.unit.code, level: alert.unit.level });
  lookAt(point);
}

async function acknowledge(id) {
  const button = items.get(id).row.querySelector(".take");
  button.disabled = true;
  try {
    const after = await send(`/v1/alerts/${encodeURIComponent(id)}/acknowledge`, {});
    show(alerts.map((one) => (one.id === id ? { ...one, ...after } : one)));
  } catch (error) {
    set(items.get(id).row.querySelector(".by"), error.message);
  } finally {
    button.disabled = false;
  }
}

/** Arrows go from alert to alert. */
function moveInRail(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const stops = [...at("alerts-list").querySelectorAll(".look")];
  const here = stops.indexOf(event.target.closest(".alert")?.querySelector(".look"));
  stops[Math.min(stops.length - 1, Math.max(0, here + step))]?.focus();
  event.preventDefault();
  event.stopPropagation();
}

function showSound() {
  at("sound").setAttribute("aria-pressed", String(hasSound()));
  at("sound").title = t(hasSound() ? "alert.sound.on" : "alert.sound.off");
}
