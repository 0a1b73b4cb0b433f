// This phone as a device, on duty and by choice only: fixes go through the same door as those of every phone.
import { clock } from "../format.js";
import { t } from "../words.js";
import { deviceToken, postFixes } from "./device.js";

const EVERY_MS = 10_000;
const MOST_WAITING = 500;

const box = document.getElementById("send");
const choice = document.getElementById("send-switch");
const state = document.getElementById("send-state");
let watch = null;
let timer = 0;
let waiting = [];
let since = 0;
let lastAt = 0;
let awake = null;

choice.addEventListener("change", () => (choice.checked ? begin() : stopSending(false)));
document.addEventListener("visibilitychange", () => !document.hidden && watch !== null && stayAwake());

export function offerSending() {
  box.hidden = false;
}

/** Stop at once; what was not sent is thrown away when duty ended. */
export function stopSending(dutyEnded = true) {
  if (watch !== null) navigator.geolocation.clearWatch(watch);
  clearInterval(timer);
  awake?.release().catch(() => undefined);
  [watch, awake] = [null, null];
  choice.checked = false;
  state.textContent = t("m.send.text");
  if (!dutyEnded) return void deliver();
  box.hidden = true;
  waiting = [];
}

async function begin() {
  if (!navigator.geolocation || !isSecureContext) {
    choice.checked = false;
    state.textContent = t("m.send.unavailable");
    return;
  }
  try {
    await deviceToken();
  } catch (error) {
    choice.checked = false;
    state.textContent = t("m.send.failed", { reason: error.message });
    return;
  }
  if (!choice.checked || watch !== null) return; // meanwhile it was switched off, or off and on again
  since = Date.now(); // the service keeps nothing from before this phone had its credential
  watch = navigator.geolocation.watchPosition(keep, refuse, { enableHighAccuracy: true, maximumAge: 0 });
  state.textContent = t("m.send.waiting"); // only now: what the phone found earlier is not waited for
  timer = setInterval(deliver, EVERY_MS);
  stayAwake();
}

async function stayAwake() {
  awake = await navigator.wakeLock?.request("screen").catch(() => null);
}

function keep({ coords, timestamp }) {
  // An older position, remembered by the browser, is none of this duty.
  if (timestamp < since || timestamp - lastAt < EVERY_MS * 0.9) return;
  const first = lastAt === 0;
  lastAt = timestamp;
  waiting.push({
    fixed_at: new Date(timestamp).toISOString(),
    lon: coords.longitude,
    lat: coords.latitude,
    accuracy_m: coords.accuracy,
    ...(coords.speed === null ? {} : { speed_mps: coords.speed }),
    ...(coords.heading === null || Number.isNaN(coords.heading) ? {} : { heading_deg: coords.heading }),
  });
  waiting = waiting.slice(-MOST_WAITING);
  if (first) deliver();
}

function refuse(error) {
  if (error.code === error.PERMISSION_DENIED) {
    stopSending(false);
    state.textContent = t("m.send.denied");
  } else {
    state.textContent = t("m.send.waiting");
  }
}

async function deliver() {
  if (!waiting.length) return;
  const batch = waiting;
  waiting = [];
  try {
    const answer = await postFixes(batch);
    if (!answer.ok) throw new Error(String(answer.status));
    const last = batch[batch.length - 1];
    const told = { time: clock(last.fixed_at), accuracy: Math.round(last.accuracy_m) };
    if (watch !== null) state.textContent = t("m.send.on", told);
  } catch (error) {
    waiting = [...batch, ...waiting].slice(-MOST_WAITING);
    state.textContent = t("m.send.failed", { reason: error.message });
  }
}
