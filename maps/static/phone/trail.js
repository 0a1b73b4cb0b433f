// One's own trail of today, or of the day that is looked at, on a small map without a base map.
import { count, day, metres } from "../format.js";
import { canDrawMaps, makeMap, moveTime } from "../map/frame.js";
import { readTrail } from "../map/read_trail.js";
import { addTrailLayers, drawTrail } from "../map/trail.js";
import { addUnitLayers, boundsOf, showLevel, useNetwork } from "../map/units.js";
import { readNetworks } from "../wall/ground.js";
import { t } from "../words.js";

const at = (id) => document.getElementById(id);
const CLOSEST = 16;
let map = null;
let follows = true; // until the person moves the map

let shown = null; // the day; null: today

export async function showTrail(person, on = shown) {
  follows ||= on !== shown;
  shown = on === day(Date.now()) ? null : on;
  at("trail-title").textContent = shown ? t("m.trail.on", { on: shown }) : t("m.trail");
  const trail = await readTrail(person, shown);
  at("trail").hidden = false;
  at("trail-map").hidden = !trail.fixes;
  at("trail-sum").textContent = trail.fixes
    ? t("m.trail.sum", { length: metres(trail.length_m), fixes: count(trail.fixes), gaps: count(trail.gaps) })
    : t("m.trail.none");
  if (!trail.fixes || !canDrawMaps()) return;
  if (!map) await startMap(trail.bbox);
  else if (follows) map.fitBounds(boundsOf(trail.bbox), { padding: 24, maxZoom: CLOSEST, duration: moveTime(600) });
  drawTrail(map, trail);
}

async function startMap(bbox) {
  map = makeMap("trail-map", { bounds: boundsOf(bbox), label: t("m.trail.map"), closest: CLOSEST });
  map.on("dragstart", () => (follows = false));
  map.scrollZoom.disable();
  await new Promise((resolve) => map.once("load", resolve));
  addUnitLayers(map);
  addTrailLayers(map);
  await showGrids();
}

/** The grids around: lines and names for orientation. */
async function showGrids() {
  const networks = await readNetworks();
  const network = networks[0];
  if (!network) return;
  useNetwork(map, network);
  showLevel(map, { level: network.deepest, parent: null, above: [], here: null, names: true });
}
