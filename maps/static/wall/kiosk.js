// The wall on a screen without hands: figures, alerts and map alone, in larger type, and no pointer while it rests.
import { now as stateNow, onChange } from "./state.js";

const REST_MS = 3000;
let timer = 0;

export function startKiosk() {
  onChange(show);
  show(stateNow());
  for (const name of ["pointermove", "pointerdown", "keydown"]) addEventListener(name, stir, { passive: true });
}

function show({ kiosk }) {
  document.documentElement.toggleAttribute("data-kiosk", Boolean(kiosk));
  stir();
}

function stir() {
  clearTimeout(timer);
  document.documentElement.removeAttribute("data-resting");
  if (stateNow().kiosk) timer = setTimeout(() => document.documentElement.setAttribute("data-resting", ""), REST_MS);
}
