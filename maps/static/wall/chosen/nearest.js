// The nearest people on shift to a case, and sending one of them: choose, then confirm.
import { get, send } from "../../door.js";
import { age, metres } from "../../format.js";
import { t } from "../../words.js";
import { el } from "../dom.js";
import { drawWay } from "./way.js";

const HOW_MANY = 5;
const AGAIN_MS = 20_000;
/** A report is taken on before somebody can be sent: both in one go. */
const WAYS = { assign: ["assign"], accept: ["accept", "assign"] };

let shown = { number: null, seq: 0, readAt: 0 };
let workers = [];
let chosen = null;

/** Who could go to the case, in `box`; nothing once it needs nobody. `reread()` shows the case as it is now. */
export async function showNearest(box, one, reread) {
  const steps = one.possible.includes("assign") ? WAYS.assign : one.possible.includes("accept") ? WAYS.accept : null;
  const isNew = shown.number !== one.number || shown.seq !== one.seq;
  if (!isNew && Date.now() - shown.readAt < AGAIN_MS) return;
  if (isNew) choose(null, one);
  if (shown.number !== one.number) workers = [];
  shown = { number: one.number, seq: one.seq, readAt: Date.now() };
  box.hidden = one.lon === null || !steps;
  if (box.hidden) return;
  if (isNew) draw(box, one, steps, reread, t("loading"));
  const query = new URLSearchParams({ limit: HOW_MANY });
  const found = await get(`/v1/cases/${encodeURIComponent(one.number)}/nearest?${query}`).catch((error) => error);
  if (shown.number !== one.number || shown.seq !== one.seq || chosen) return;
  workers = found instanceof Error ? [] : found.workers;
  const note = found instanceof Error ? t("failed", { what: found.message }) : workers.length ? "" : t("nearest.none");
  draw(box, one, steps, reread, note);
}

export function forgetNearest() {
  shown = { number: null, seq: 0, readAt: 0 };
  choose(null, null);
}

function choose(worker, one) {
  chosen = worker;
  drawWay(worker && one ? [[worker.lon, worker.lat], [one.lon, one.lat]] : null);
}

function draw(box, one, steps, reread, note) {
  const pick = (worker) => {
    choose(chosen?.person_code === worker.person_code ? null : worker, one);
    draw(box, one, steps, reread, note);
    (box.querySelector(".confirm .main") ?? box.querySelector(`[data-code="${CSS.escape(worker.person_code)}"]`)).focus();
  };
  const rows = workers.map((worker) => el("li", {}, workerButton(worker, one, pick), chosen?.person_code === worker.person_code ? confirmBar(box, one, steps, reread) : null));
  box.replaceChildren(el("h3", {}, t(one.assignee_code ? "nearest.other" : "nearest")), el("ul", {}, ...rows), el("p", { class: "muted small" }, note));
}

function workerButton(worker, one, pick) {
  const isChosen = chosen?.person_code === worker.person_code;
  const isSent = one.assignee_code === worker.person_code;
  const told = [worker.unit_name, t(`state.${worker.state}`), t("nearest.age", { age: age(worker.age_s) })].filter(Boolean).join(" · ");
  return el(
    "button",
    { type: "button", class: "worker", "aria-pressed": String(isChosen), "data-code": worker.person_code, disabled: isSent, onclick: () => pick(worker) },
    el("strong", {}, worker.name),
    el("span", { class: "number" }, metres(worker.distance_m)),
    el("span", { class: "muted small" }, isSent ? t("nearest.sent") : told),
  );
}

function confirmBar(box, one, steps, reread) {
  const problem = el("p", { class: "warn small", role: "alert" });
  const text = t(steps.length > 1 ? "nearest.accept_and_send" : "nearest.send", { name: chosen.name });
  const yes = el("button", { type: "button", class: "main", onclick: () => dispatch() }, text);
  const no = el("button", { type: "button", onclick: () => cancel() }, t("cancel"));
  const cancel = () => {
    const code = chosen.person_code;
    choose(null, one);
    draw(box, one, steps, reread, "");
    box.querySelector(`[data-code="${CSS.escape(code)}"]`)?.focus();
  };
  const dispatch = async () => {
    yes.disabled = true;
    try {
      await sendTo(one, steps, chosen.person_code);
      choose(null, one);
    } catch (error) {
      problem.textContent = error.message;
    }
    yes.disabled = false;
    await reread();
  };
  return el("div", { class: "confirm" }, yes, no, problem);
}

/** Each step follows the one before it, so that a case which moved in between stays as it is. */
async function sendTo(one, steps, code) {
  let seq = one.seq;
  for (const kind of steps) {
    const body = kind === "assign" ? { kind, after_seq: seq, assignee: code } : { kind, after_seq: seq };
    ({ seq } = await send(`/v1/cases/${encodeURIComponent(one.number)}/events`, body));
  }
}
