// A person's own page: cases, notice, duty, the call for help, today's trail, who looked.
import { get, Problem } from "../door.js";
import { at } from "../wall/dom.js";
import { loadWords, t } from "../words.js";
import "../session.js";
import { showQuestion } from "./asked.js";
import { startCheckin } from "./checkin.js";
import { startDay } from "./day.js";
import { acceptOrWithdraw, refreshDuty, showDutyAndNotice, switchDuty } from "./duty.js";
import { showLooks } from "./looks.js";
import { showCases, startCases } from "./my_cases.js";
import { awaitsAnswer, showSosAnswer, startSos } from "./sos.js";
import { showTrail } from "./trail.js";

const NEWS_MS = 15_000;
const ANSWER_MS = 4000; // somebody called for help and waits to hear that it was seen
const REST_MS = 30_000;
const AGAIN_MS = 3000; // after the service could not answer
let person;
let again = 0;

async function start() {
  await loadWords();
  ({ person } = await get("/v1/me"));
  if (!person) return tell(t("m.no_person"));
  at("who").textContent = person.name;
  startSos(person.code);
  startCases(attempt, refreshNews);
  at("duty-switch").addEventListener("click", () => attempt(switchDuty));
  at("notice-accept").addEventListener("click", () => attempt(acceptOrWithdraw));
  await Promise.all([showDutyAndNotice(), refreshNews(), showLooks()]);
  await showTrail(person.code);
  await attempt(() => startDay(person.code, attempt));
  await attempt(() => startCheckin(attempt));
  at("main").removeAttribute("aria-busy");
  setInterval(() => !document.hidden && attempt(refreshNews), NEWS_MS);
  setInterval(() => !document.hidden && awaitsAnswer() && attempt(refreshNews), ANSWER_MS);
  setInterval(() => !document.hidden && attempt(refreshRest), REST_MS);
  document.addEventListener("visibilitychange", () => !document.hidden && attempt(refreshNews));
  addEventListener("online", () => attempt(refreshNews));
}

/** What others may have changed and the person should know soon: cases, a question, who answered a call for help. */
async function refreshNews() {
  const { cases, question, sos } = await get("/v1/me/tasks");
  showQuestion(question, attempt);
  showSosAnswer(sos);
  await showCases(cases);
}

const refreshRest = () => Promise.all([refreshDuty(), showTrail(person.code)]);

async function attempt(act) {
  try {
    await act();
    tell("");
  } catch (error) {
    tell(error instanceof Problem ? error.message : t("failed.network"));
    if (!(error instanceof Problem) || error.status === 503) again ||= setTimeout(seeAgain, AGAIN_MS);
  }
}

/** What was away may be back: what is shown should not be old for longer than that. */
function seeAgain() {
  again = 0;
  if (!document.hidden) attempt(refreshNews);
}

function tell(text) {
  if (at("problem").textContent !== text) at("problem").textContent = text;
  at("problem").hidden = !text;
}

start().catch((error) => tell(error instanceof Problem ? error.message : t("failed.network")));
