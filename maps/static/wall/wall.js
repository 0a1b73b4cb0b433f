// The wall: state in the address → ground, figures, dots, trail, cases. Modules draw; this one conducts.
import { leaveToSignIn, Problem } from "../door.js";
import { clock } from "../format.js";
import { addBaseMap } from "../map/base_map.js";
import { addCaseLayers } from "../map/cases.js";
import { replaceDots, startDots, updateDots } from "../map/dots.js";
import { canDrawMaps, makeMap } from "../map/frame.js";
import { addHotspotLayer } from "../map/hotspots.js";
import { addTrailLayers } from "../map/trail.js";
import { addUnitLayers } from "../map/units.js";
import { loadWords, t } from "../words.js";
import "../session.js";
import { startAlerts } from "./alerts/rail.js";
import { startFollowing } from "./chosen/follow.js";
import { chooseCase, loadCases } from "./chosen_case.js";
import { choosePerson, lookAtPerson, showChosen } from "./chosen_person.js";
import { banner, tellConnection } from "./connection.js";
import { hideDetail } from "./detail.js";
import { at } from "./dom.js";
import { arrive, keepPosition, keepRoom, lookWhere, startNetworks } from "./going.js";
import { readNetworks } from "./ground.js";
import { here, on, sees, tell } from "./here.js";
import { loadHotspots, showLayers } from "./layers.js";
import { showScale } from "./legend.js";
import { followLive } from "./live.js";
import { replacePeople, updatePeople } from "./people.js";
import { bindKeys, bindPointer } from "./pointer.js";
import { startSearch } from "./search.js";
import { bindPanel, refreshPanel } from "./side.js";
import { now as stateNow, onChange } from "./state.js";
import { startTrails } from "./trails.js";
import { startKiosk } from "./kiosk.js";

async function start() {
  await loadWords();
  startKiosk();
  setInterval(() => (at("clock").textContent = clock(Date.now())), 1000);
  here.networks = await readNetworks();
  if (!here.networks.length) return banner(t("wall.no_ground"));
  startNetworks();
  if (canDrawMaps()) await startMap();
  else banner(t("wall.no_webgl"));
  bindKeys();
  bindPanel();
  at("legend").open = !matchMedia("(max-width: 900px)").matches;
  on("arrived", refreshPanel);
  on("arrived", loadCases);
  on("frame", refreshPanel);
  on("cases", refreshPanel);
  startFollowing();
  startAlerts();
  startSearch();
  startTrails();
  onChange(follow);
  await follow(stateNow(), {});
  if (sees.movement === "yes") followLive({ snapshot, frame, alerts: ({ alerts }) => tell("alerts", alerts), state: tellConnection });
  else tellConnection("refused");
  setInterval(loadCases, 30_000);
}

async function startMap() {
  const map = makeMap("map", { bounds: here.networks[0].bbox, label: t("wall.map") });
  here.map = map;
  await new Promise((resolve) => map.once("load", resolve));
  addUnitLayers(map);
  const base = await addBaseMap(map);
  Object.assign(here, { hasBase: Boolean(base.kind), credit: base.attribution });
  addHotspotLayer(map);
  addCaseLayers(map);
  addTrailLayers(map);
  startDots(map);
  map.on("move", () => showScale(map));
  showScale(map);
  bindPointer(map);
  keepPosition(map);
  keepRoom();
}

/** The address changed: show what it says now. */
async function follow(state, before) {
  const moved = !here.place || ["network", "unit", "level"].some((key) => state[key] !== before[key]);
  if (moved) await arrive(state);
  else if (state.at !== before.at) lookWhere(state);
  showLayers(state);
  if (state.person !== before.person) choosePerson(state.person);
  else if (state.person) showChosen(state.person);
  if (state.case !== before.case) chooseCase(state.case, !("case" in before) && !state.at);
  if (!state.person && !state.case) hideDetail();
  loadHotspots();
  refreshPanel();
}

function snapshot({ at: instant, dots }) {
  const isFirst = here.asOf === null;
  here.asOf = instant;
  replacePeople(dots);
  replaceDots(dots);
  const { person } = stateNow();
  tell("frame", { people: dots, gone: [], isSnapshot: true });
  if (person) showChosen(person);
  if (isFirst && person && !stateNow().at) lookAtPerson(person);
}

function frame({ at: instant, dots, gone }) {
  here.asOf = instant;
  updatePeople(dots, gone);
  updateDots(dots, gone);
  const { person } = stateNow();
  tell("frame", { people: dots, gone, isSnapshot: false });
  if (person && dots.some((dot) => dot.code === person)) showChosen(person);
}

start().catch((error) => {
  if (error instanceof Problem && error.status === 401) return leaveToSignIn();
  banner(error instanceof Problem ? t("failed", { what: error.message }) : t("failed.network"));
  throw error;
});
