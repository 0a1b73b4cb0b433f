// Following: the map keeps the chosen person in its middle until somebody moves the map, or Esc.
import { held, unproject, where } from "../../map/glide.js";
import { moveTime } from "../../map/frame.js";
import { offsetNow } from "../going.js";
import { here, on } from "../here.js";
import { byCode } from "../people.js";
import { go, now as stateNow, onChange } from "../state.js";

const STEP_MS = 1000; // the feed speaks once a second

export function startFollowing() {
  if (!here.map) return;
  on("frame", step);
  onChange((state, before) => {
    if (state.follow && (!state.person || (before.person && before.person !== state.person && before.follow))) stopFollowing();
    else if (state.follow && !before.follow) begin();
  });
  for (const name of ["dragstart", "boxzoomstart"]) here.map.on(name, stopFollowing);
  // Before anybody else hears the key: the first Esc ends the following, the next one the choice.
  document.addEventListener("keydown", onKey, { capture: true });
  if (stateNow().follow) begin();
}

export const isFollowing = (code) => Boolean(stateNow().follow) && stateNow().person === code;

export function switchFollowing() {
  if (stateNow().follow) stopFollowing();
  else go({ follow: "1" }, { quiet: true });
}

function stopFollowing() {
  if (stateNow().follow) go({ follow: null }, { quiet: true });
}

function onKey(event) {
  const moves = event.target === here.map.getCanvas() && event.key.startsWith("Arrow");
  if (!stateNow().follow || !(event.key === "Escape" || moves)) return;
  stopFollowing();
  if (!moves) event.stopImmediatePropagation();
}

function begin() {
  const centre = position();
  if (centre) here.map.easeTo({ center: centre, zoom: Math.max(here.map.getZoom(), 16), duration: moveTime(600), offset: offsetNow() });
}

function step() {
  const centre = position();
  if (!centre || here.map.isZooming() || isThere(centre)) return;
  here.map.easeTo({ center: centre, duration: moveTime(STEP_MS), easing: (share) => share, offset: offsetNow() });
}

/** Nothing is drawn anew for somebody who stands still. */
function isThere(centre) {
  const { x, y } = here.map.project(centre);
  const { clientWidth, clientHeight } = here.map.getContainer();
  const [right, down] = offsetNow();
  return Math.hypot(x - clientWidth / 2 - right, y - clientHeight / 2 - down) < 0.5;
}

/** Where the dot is drawn now: it glides, and the camera with it. */
function position() {
  const { follow, person } = stateNow();
  const item = follow ? held.get(byCode(person)?.id) : null;
  return item?.to ? unproject(where(item, performance.now())) : null;
}
