// Going about: from the city down to the micro-grid and back; the camera follows.
import { moveTime } from "../map/frame.js";
import { boundsOf, showLevel, useNetwork } from "../map/units.js";
import { t } from "../words.js";
import { banner } from "./connection.js";
import { at, el } from "./dom.js";
import { openUnit, readNetworks } from "./ground.js";
import { here, tell } from "./here.js";
import { showCrumbs } from "./panel.js";
import { go, note, now as stateNow } from "./state.js";

const GROUND_MS = 20_000;

let arriving = 0;
let isWhole = false; // the camera shows all of where we are

/** Stand where the address says; a unit that is not found is told, and the top shown. `look`: the camera goes there too. */
export async function arrive(state, { look = true } = {}) {
  const turn = ++arriving;
  const network = here.networks.find((one) => one.code === state.network) ?? here.networks[0];
  at("network").value = network.code;
  const found = await openUnit(network, state.unit, state.level).catch((error) => {
    banner(t("failed", { what: error.message }));
    return openUnit(network, null, null);
  });
  if (turn !== arriving) return;
  here.place = found;
  showCrumbs(found.steps.map((step) => ({ name: step.name, open: () => goTo(step) })));
  at("here").textContent = found.name;
  at("life").hidden = !found.unit;
  if (found.unit) at("life").href = `/units/${found.unit.tileId}`;
  at("source").textContent = [t("wall.source", { network: network.name, edition: network.editionSeq }), here.credit].filter(Boolean).join(" · ");
  if (here.map) useNetwork(here.map, found.network);
  if (here.map) showGround();
  if (look) lookWhere(state);
  tell("arrived", found);
}

/** The camera on all of where we are. */
export function drawPlace() {
  const { map, place } = here;
  if (!map) return;
  isWhole = true;
  if (place.bbox) map.fitBounds(boundsOf(place.bbox), { padding: paddingNow(), duration: moveTime(600), maxZoom: 17 }, { isOurs: true });
}

/** The camera where the address says: the place in whole, or where somebody moved it to. */
export function lookWhere({ at: position }) {
  const [zoom, lat, lon] = (position ?? "").split("/").map(Number);
  if (!here.map || !here.place) return;
  isWhole = !(Number.isFinite(zoom) && Math.abs(lat) <= 85 && Math.abs(lon) <= 180);
  if (isWhole) drawPlace();
  else here.map.jumpTo({ center: [lon, lat], zoom }, { isOurs: true });
}

/** Legend and alerts grow and shrink with what is shown: a place that is shown in whole stays so between them. */
export function keepRoom() {
  const observer = new ResizeObserver(() => isWhole && !stateNow().follow && drawPlace());
  for (const panel of ["foot", "right"]) observer.observe(at(panel));
}

/** Write where the map was moved to into the address. */
export function keepPosition(map) {
  let resized = false;
  map.on("resize", () => (resized = true));
  map.on("moveend", ({ isOurs }) => {
    const isOwn = isOurs || resized || stateNow().follow;
    resized = false;
    if (isOwn || !here.place) return;
    isWhole = false;
    const { lng, lat } = map.getCenter();
    note({ at: `${map.getZoom().toFixed(2)}/${lat.toFixed(5)}/${lng.toFixed(5)}` });
  });
}

export function showGround() {
  const { map, place } = here;
  showLevel(map, {
    level: place.shownLevel,
    parent: place.parentTileId,
    above: place.above,
    here: place.unit && { level: place.unit.level, id: place.unit.tileId },
    names: stateNow().layers.includes("names"),
    prefix: place.prefix,
  });
}

/** Room for the panels, so that what is shown stands in the free middle. */
function paddingNow() {
  const gap = 24;
  const side = at("side").getBoundingClientRect();
  const narrow = side.width > innerWidth * 0.6;
  if (narrow) return { top: 2 * gap, right: gap, left: gap, bottom: gap };
  const sideWidth = at("side").classList.contains("folded") ? 0 : side.width + 16;
  const right = at("right").getBoundingClientRect();
  const rightWidth = right.height > innerHeight * 0.3 ? right.width + 16 : 40;
  return { top: gap, right: gap + rightWidth, bottom: at("foot").getBoundingClientRect().height + 2 * gap, left: sideWidth + gap };
}

/** The middle of that room, as an offset from the middle of the map. */
export function offsetNow() {
  const { top, right, bottom, left } = paddingNow();
  return [(left - right) / 2, (top - bottom) / 2];
}

/** The camera to a point, as near as a street at least. */
export function lookAt(position) {
  const { map } = here;
  isWhole = false;
  if (map && position) map.easeTo({ center: position, zoom: Math.max(map.getZoom(), 15), duration: moveTime(600), offset: offsetNow() });
}

/** Nearer to a group, until its people stand apart. */
export function lookInto(position) {
  const { map } = here;
  isWhole = false;
  map.easeTo({ center: position, zoom: Math.min(map.getMaxZoom(), map.getZoom() + 2), duration: moveTime(600), offset: offsetNow() });
}

const goTo = (step) => go({ network: here.place.network.code, unit: step.code, level: step.code ? step.level : null });

export function goUp() {
  const steps = here.place?.steps ?? [];
  if (steps.length > 1) goTo(steps[steps.length - 2]);
}

export function openChild(code) {
  const child = here.place.children.find((one) => one.code === code);
  if (child) go({ network: here.place.network.code, unit: child.code, level: child.level });
}

export function startNetworks() {
  fillNetworks();
  at("network").addEventListener("change", () => go({ network: at("network").value, unit: null, level: null }));
  setInterval(keepGround, GROUND_MS);
  document.addEventListener("visibilitychange", keepGround);
}

function fillNetworks() {
  at("network").replaceChildren(...here.networks.map((one) => el("option", { value: one.code }, one.name)));
  at("network").parentElement.hidden = here.networks.length < 2;
}

/** An edition came into force while the wall was open: its ground, and the camera stays where it is. */
async function keepGround() {
  const read = await readNetworks().catch(() => null);
  if (!read?.length || JSON.stringify(read) === JSON.stringify(here.networks)) return;
  here.networks = read;
  fillNetworks();
  await arrive(stateNow(), { look: false });
}
