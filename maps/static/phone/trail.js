// One's own trail of today, on a small map without a base map.
import { count, metres } from "../format.js";
import { canDrawMaps, makeMap } from "../map/frame.js";
import { readTrail } from "../map/read_trail.js";
import { addTrailLayers, drawTrail } from "../map/trail.js";
import { addUnitLayers, boundsOf, showLevel, useNetwork } from "../map/units.js";
import { readNetworks } from "../wall/ground.js";
import { t } from "../words.js";

const at = (id) => document.getElementById(id);
let map = null;

export async function showTrail(person) {
  const trail = await readTrail(person);
  at("trail").hidden = false;
  at("trail-map").hidden = !trail.fixes;
  at("trail-sum").textContent = trail.fixes
    ? t("m.trail.sum", { length: metres(trail.length_m), fixes: count(trail.fixes), gaps: count(trail.gaps) })
    : t("m.trail.none");
  if (!trail.fixes || !canDrawMaps()) return;
  if (!map) await startMap(trail.bbox);
  drawTrail(map, trail);
}

async function startMap(bbox) {
  map = makeMap("trail-map", { bounds: boundsOf(bbox), label: t("m.trail.map"), maxZoom: 16 });
  map.scrollZoom.disable();
  await new Promise((resolve) => map.once("load", resolve));
  addUnitLayers(map);
  addTrailLayers(map);
  await showGrids();
}

/** The grids around: lines and names for orientation. */
async function showGrids() {
  const [network] = await readNetworks();
  const deepest = network?.levels[network.levels.length - 1];
  if (!deepest) return;
  useNetwork(map, network);
  showLevel(map, { level: deepest.code, parent: null, above: [], here: null, names: true });
}
