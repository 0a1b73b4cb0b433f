// The call for help: by holding the button or by confirming, kept on this phone until the service has it.
import { get } from "../door.js";
import { clock } from "../format.js";
import { at } from "../wall/dom.js";
import { t } from "../words.js";
import { postFixes } from "./device.js";

const HOLD_MS = 1500;
const POSITION_MS = 4000; // help is not kept waiting for a position
const RETRY_MS = [2000, 5000, 10_000, 15_000];
const KEY = "wangge.sos";

let call = null; // { person, fixed_at, lon, lat, accuracy_m?, tries, received_at? }
let timer = 0;
let holding = 0;

/** Bind the button; a call of this person that never arrived goes on trying. */
export function startSos(person) {
  at("sos").hidden = false;
  const button = at("sos-call");
  button.addEventListener("pointerdown", () => hold(person));
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) button.addEventListener(end, release);
  button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press is no menu here
  button.addEventListener("click", () => (isOnTheWay() ? tryNow() : ask()));
  at("sos-sure").addEventListener("close", () => at("sos-sure").returnValue === "send" && raise(person));
  at("sos-drop").addEventListener("click", drop);
  addEventListener("online", tryNow);
  restore(person);
}

const isOnTheWay = () => call !== null && !call.received_at;

function ask() {
  at("sos-sure").returnValue = "";
  at("sos-sure").showModal();
}

function hold(person) {
  if (isOnTheWay()) return;
  at("sos-call").dataset.holding = "yes";
  holding = setTimeout(() => {
    release();
    if (at("sos-sure").open) return;
    navigator.vibrate?.(200);
    swallowClick();
    raise(person);
  }, HOLD_MS);
}

function release() {
  clearTimeout(holding);
  delete at("sos-call").dataset.holding;
}

/** The finger that held the button still lifts, and that is no second wish. */
function swallowClick() {
  const stop = (event) => event.stopImmediatePropagation();
  at("sos-call").addEventListener("click", stop, { capture: true, once: true });
  setTimeout(() => at("sos-call").removeEventListener("click", stop, { capture: true }), 1000);
}

async function raise(person) {
  call = { person, fixed_at: new Date().toISOString(), lon: null, lat: null, tries: 0 };
  keep();
  tell("sending");
  Object.assign(call, await findPosition());
  keep();
  await deliver();
}

function findPosition() {
  if (!navigator.geolocation || !isSecureContext) return {};
  return new Promise((resolve) => {
    setTimeout(() => resolve({}), POSITION_MS);
    const found = ({ coords }) => resolve({ lon: coords.longitude, lat: coords.latitude, accuracy_m: coords.accuracy });
    navigator.geolocation.getCurrentPosition(found, () => resolve({}), { enableHighAccuracy: true, maximumAge: 60_000 });
  });
}

async function deliver() {
  clearTimeout(timer);
  const sent = call;
  if (!isOnTheWay()) return;
  const { fixed_at, lon, lat, accuracy_m } = sent;
  try {
    // The same instant again is the same call: sending twice raises one.
    const answer = await postFixes([{ fixed_at, lon, lat, accuracy_m, sos: true }]);
    if (!answer.ok) throw new Error(String(answer.status));
    if ((await answer.json()).dropped) await checkKept(sent);
    if (call !== sent) return;
    call.received_at = new Date().toISOString();
    keep();
    tell("received");
  } catch {
    if (call !== sent) return;
    call.tries += 1;
    keep();
    tell("waiting");
    timer = setTimeout(deliver, RETRY_MS[Math.min(call.tries, RETRY_MS.length) - 1]);
  }
}

/** What came with a clock behind the service's may be of a time when this phone was nobody's: then with its clock. */
async function checkKept(sent) {
  const { as_of, sos } = await get("/v1/me/tasks");
  if (sos && !sos.acknowledged_at) return;
  sent.fixed_at = as_of;
  throw new Error("not kept");
}

function tryNow() {
  if (!isOnTheWay()) return;
  tell("sending");
  deliver();
}

/** Forget the call: one that has arrived was read, one that has not is no longer wanted. */
function drop() {
  clearTimeout(timer);
  call = null;
  keep();
  tell(null);
}

/** Whether a call has arrived that nobody has put a name to, as far as this page knows. */
export const awaitsAnswer = () => Boolean(call?.received_at) && at("sos").dataset.state !== "answered";

/** `answer`: { acknowledged_by, acknowledged_at } of the newest call that the service holds, or null. */
export function showSosAnswer(answer) {
  if (!call?.received_at || !answer?.acknowledged_at) return;
  tell("answered", { who: answer.acknowledged_by, time: clock(answer.acknowledged_at) });
}

function tell(state, blanks = {}) {
  const noPosition = call && call.lon === null && state !== "sending" ? ` ${t("m.sos.no_position")}` : "";
  const filled = { time: clock(call?.received_at ?? Date.now()), tries: call?.tries, ...blanks };
  const text = state ? t(`m.sos.${state}`, filled) + (state === "answered" ? "" : noPosition) : "";
  at("sos").dataset.state = state ?? "";
  if (at("sos-state").textContent !== text) at("sos-state").textContent = text;
  at("sos-state").hidden = !text;
  at("sos-drop").hidden = !state || state === "sending";
  at("sos-drop").textContent = t(state === "waiting" ? "m.sos.drop" : "m.sos.close");
  at("sos-text").textContent = t(state === "waiting" ? "m.sos.again" : "m.sos.call");
}

function keep() {
  if (call) localStorage.setItem(KEY, JSON.stringify(call));
  else localStorage.removeItem(KEY);
}

function restore(person) {
  try {
    call = JSON.parse(localStorage.getItem(KEY));
  } catch {
    call = null;
  }
  if (call?.person !== person) call = null;
  if (!call) return;
  if (call.received_at) tell("received");
  else tryNow();
}
