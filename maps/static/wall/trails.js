// Trails of the chosen and of those kept beside them: the last 10, 30 or 60 minutes, or the day.
import { nameDots } from "../map/dots.js";
import { readTrail } from "../map/read_trail.js";
import { growTail, tailFeatures, tailOf, trimTail } from "../map/tail.js";
import { drawTrail } from "../map/trail.js";
import { here, on } from "./here.js";
import { byCode } from "./people.js";
import { go, now as stateNow, onChange } from "./state.js";

const MOST = 6;
const FADE_MS = 10_000;
const DAY_MS = 24 * 3_600_000;
const tails = new Map(); // person code → tail, null while it is read

export function startTrails() {
  if (!here.map) return;
  onChange(show);
  on("frame", grow);
  setInterval(draw, FADE_MS);
  show(stateNow());
}

/** People whose trails are shown: the chosen one and those kept. */
const wantedOf = ({ person, kept }) => [...new Set([person, ...keptOf(kept)])].filter(Boolean).slice(0, MOST);

const keptOf = (kept) => (kept ?? "").split(",").filter(Boolean);

/** Keep somebody's trail while others are chosen, or let it go. */
export function keepTrail(code) {
  if (!code) return;
  const kept = keptOf(stateNow().kept);
  const next = kept.includes(code) ? kept.filter((one) => one !== code) : [...kept, code].slice(-MOST + 1);
  go({ kept: next.join(",") || null }, { quiet: true });
}

function show(state) {
  const wanted = wantedOf(state);
  for (const code of tails.keys()) if (!wanted.includes(code)) tails.delete(code);
  for (const code of wanted) if (!tails.has(code)) read(code);
  draw();
}

async function read(code) {
  tails.set(code, null);
  const day = await readTrail(code).catch(() => null); // the panel says why
  if (!tails.has(code)) return;
  if (day === null) return void tails.delete(code);
  const tail = tailOf(day);
  const dot = byCode(code);
  if (dot) growTail(tail, dot);
  tails.set(code, tail);
  draw();
}

function grow({ people }) {
  if (!tails.size) return;
  let grown = false;
  for (const dot of people) {
    const tail = tails.get(dot.code);
    if (tail) grown = growTail(tail, dot) || grown;
  }
  if (grown) draw();
}

let drawn = false;

function draw() {
  if (!tails.size && !drawn) return;
  const minutes = Number(stateNow().trail) || 0;
  const now = here.asOf ? Date.parse(here.asOf) : Date.now();
  const from = minutes ? now - minutes * 60_000 : null;
  const ready = [...tails.values()].filter(Boolean);
  for (const tail of ready) trimTail(tail, now - DAY_MS);
  drawn = ready.length > 0;
  drawTrail(here.map, drawn ? { features: ready.flatMap((tail) => tailFeatures(tail, from, now)) } : null);
  nameDots(keptOf(stateNow().kept).map((code) => byCode(code)?.id));
}
