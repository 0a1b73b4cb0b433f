// What changed, for those who listen to the page instead of looking at it; and a quiet sound for who asked for one.
import { at } from "../dom.js";

const KEY = "wangge.sound";
let context = null;
let wanted = localStorage.getItem(KEY) === "on";

/** Told by a screen reader: at once when urgent, else when it has finished. */
export function say(text, { urgent = false } = {}) {
  const region = at(urgent ? "say-now" : "say");
  // The same words twice are told twice only when they change in between.
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = text));
}

export const hasSound = () => wanted;

/** Sounds only after somebody asked for them on this very screen. */
export function wantSound(on) {
  wanted = on;
  localStorage.setItem(KEY, on ? "on" : "off");
  if (on) sound();
}

/** One soft tone, two for what is urgent. A browser that forbids it stays quiet until the page is touched. */
export function sound({ urgent = false } = {}) {
  if (!wanted) return;
  context ??= new AudioContext();
  context.resume();
  for (const delay of urgent ? [0, 0.35] : [0]) tone(context.currentTime + delay, urgent ? 660 : 440);
}

function tone(since, hertz) {
  const wave = new OscillatorNode(context, { frequency: hertz });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.linearRampToValueAtTime(0.08, since + 0.02);
  volume.gain.linearRampToValueAtTime(0, since + 0.3);
  wave.connect(volume).connect(context.destination);
  wave.start(since);
  wave.stop(since + 0.32);
}
