// A person's own page: notice, duty, today's trail, who looked.
import { get, Problem, send } from "../door.js";
import { stamp } from "../format.js";
import { isEnglish, loadWords, t } from "../words.js";
import "../session.js";
import { offerSending, stopSending } from "./sending.js";
import { showTrail } from "./trail.js";

const at = (id) => document.getElementById(id);
let me;
let notice;
let duty;

async function start() {
  await loadWords();
  me = await get("/v1/me");
  if (!me.person) return tell(t("m.no_person"));
  at("who").textContent = me.person.name;
  await Promise.all([readNotice(), readDuty(), readLooks()]);
  at("duty-switch").addEventListener("click", () => attempt(switchDuty));
  at("notice-accept").addEventListener("click", () => attempt(acceptOrWithdraw));
  await showTrail(me.person.code);
  at("main").removeAttribute("aria-busy");
  setInterval(() => !document.hidden && attempt(refresh), 30_000);
}

async function refresh() {
  await Promise.all([readDuty(), showTrail(me.person.code)]);
  tell("");
}

async function attempt(act) {
  try {
    await act();
  } catch (error) {
    tell(error instanceof Problem ? error.message : t("failed.network"));
  }
}

function tell(text) {
  at("problem").textContent = text;
  at("problem").hidden = !text;
}

async function readNotice() {
  notice = await get("/v1/me/notice");
  showNotice();
}

function showNotice() {
  const text = notice.notice;
  at("notice").hidden = false;
  at("notice-text").textContent = text ? (isEnglish ? text.text_en : text.text_zh) : t("m.notice.none");
  at("notice-text").tabIndex = 0;
  const version = text ? t("m.notice.version", { version: text.version }) : "";
  const state = notice.accepted ? t("m.accepted", { time: stamp(notice.accepted_at) }) : text ? t("m.accept.first") : "";
  at("notice-state").textContent = [version, state].filter(Boolean).join(" · ");
  const button = at("notice-accept");
  button.hidden = !text;
  button.classList.toggle("main", !notice.accepted);
  button.textContent = notice.accepted ? t("m.withdraw") : t("m.accept");
  // Until it is accepted the notice comes first.
  const [first, second] = notice.accepted ? [at("duty"), at("notice")] : [at("notice"), at("duty")];
  if (notice.accepted) at("looks").after(second);
  else second.before(first);
}

async function acceptOrWithdraw() {
  if (notice.accepted) {
    if (!confirm(t("m.withdraw.sure"))) return;
    notice = await send("/v1/me/notice", undefined, "DELETE");
  } else {
    notice = await send("/v1/me/notice", { version: notice.notice.version });
  }
  showNotice();
  await readDuty();
  at("duty-title").scrollIntoView({ block: "nearest" });
}

async function readDuty() {
  duty = await get("/v1/me/duty");
  showDuty();
}

async function switchDuty() {
  duty = await send("/v1/me/duty", { on: !duty.on }, "PUT");
  showDuty();
}

function showDuty() {
  const recorded = duty.on && notice?.accepted && duty.tracked;
  at("duty").hidden = false;
  at("duty").dataset.on = String(Boolean(duty.on));
  at("duty-state").textContent = duty.on ? t("m.on") : t("m.off");
  at("duty-until").textContent = recorded ? t("m.recorded_until", { time: stamp(duty.until) }) : t("m.recorded_none");
  at("duty-switch").textContent = duty.on ? t("m.switch_off") : t("m.switch_on");
  at("duty-switch").disabled = !duty.on && !notice?.accepted;
  if (!duty.tracked) at("duty-what").textContent = t("m.untracked");
  if (recorded) offerSending();
  else stopSending();
}

async function readLooks() {
  const looks = await get("/v1/me/looks?limit=50");
  at("looks").hidden = false;
  at("looks-list").replaceChildren(...(looks.length ? looks.map(lookRow) : [emptyRow()]));
}

function emptyRow() {
  const row = document.createElement("li");
  row.className = "muted";
  row.textContent = t("m.looks.none");
  return row;
}

function lookRow(look) {
  const row = document.createElement("li");
  const who = document.createElement("strong");
  who.textContent = look.who;
  const when = document.createElement("time");
  when.dateTime = look.at;
  when.textContent = stamp(look.at);
  const what = document.createElement("span");
  const kind = look.of_unit ? t("m.looks.unit") : t(`look.${look.what}`);
  what.textContent = look.why && look.why !== "wall" ? `${kind} · ${look.why}` : kind;
  row.append(who, when, what);
  return row;
}

start().catch((error) => tell(error instanceof Problem ? error.message : t("failed.network")));
