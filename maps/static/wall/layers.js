// Which layers are offered, which are shown, and the legend that says so.
import { showBaseMap } from "../map/base_map.js";
import { drawHotspots } from "../map/hotspots.js";
import { groupDots, showDots } from "../map/dots.js";
import { showTrailLayers } from "../map/trail.js";
import { t } from "../words.js";
import { at } from "./dom.js";
import { showGround } from "./going.js";
import { here, sees } from "./here.js";
import { showLegend } from "./legend.js";
import { go, LAYERS, now as stateNow } from "./state.js";

const needs = { people: "movement", trail: "movement", groups: "movement", cases: "cases", hotspots: "hotspots" };
const isOffered = (name) => (name === "base" ? here.hasBase : !(name in needs) || sees[needs[name]] === "yes");
let hotspots = { key: null, classes: [], note: "" };

export function showLayers({ layers }) {
  const { map, place } = here;
  const offered = LAYERS.filter(isOffered);
  const shown = layers.filter(isOffered);
  if (map) {
    showDots(shown.includes("people"));
    groupDots(shown.includes("groups"));
    showTrailLayers(map, shown.includes("trail"));
    map.setLayoutProperty("cases", "visibility", shown.includes("cases") ? "visible" : "none");
    showBaseMap(map, shown.includes("base"));
    if (place) showGround();
  }
  const change = (name, on) => {
    const next = LAYERS.filter((each) => (each === name ? on : layers.includes(each)));
    go({ layers: next }, { quiet: true });
    at(`layer-${name}`).focus();
  };
  showLegend({ layers: offered, shown, hotspots, dedicated: Boolean(place?.network.levels.some((level) => !level.isMain)), change });
}

/** The hotspots of where we are, once for each place. */
export async function loadHotspots() {
  const { map, place } = here;
  const wanted = stateNow().layers.includes("hotspots") && sees.hotspots === "yes";
  const key = wanted ? JSON.stringify([place.network.code, place.unit?.code]) : null;
  if (hotspots.key === key) return;
  hotspots = { key, classes: [], note: wanted ? t("loading") : "" };
  showLayers(stateNow());
  const found = await drawHotspots(map, wanted ? place : null).catch((error) => error);
  if (hotspots.key !== key) return;
  const failed = found instanceof Error;
  hotspots = { key, classes: failed ? [] : found, note: failed ? found.message : found.length || !wanted ? "" : t("hotspot.none") };
  showLayers(stateNow());
}
