// The wall: state in the address → ground, figures, dots, trail, cases. Modules draw; this one conducts.
import { leaveToSignIn, Problem } from "../door.js";
import { clock } from "../format.js";
import { canDrawMaps, makeMap, moveTime } from "../map/frame.js";
import { addCaseLayers, drawCases, markCase } from "../map/cases.js";
import { addHotspotLayer, drawHotspots } from "../map/hotspots.js";
import { dotAt, dotCoordinates, greyDots, hoverDot, replaceDots, selectDot, showDots, startDots, updateDots } from "../map/dots.js";
import { addTrailLayers, drawTrail, showTrailLayers } from "../map/trail.js";
import { readTrail } from "../map/read_trail.js";
import { addUnitLayers, boundsOf, pointUnit, showLevel, unitAt, useNetwork } from "../map/units.js";
import { loadWords, t } from "../words.js";
import "../session.js";
import { readCase, readCases } from "./cases.js";
import { hideDetail, onClose, showCase, showPerson } from "./detail.js";
import { at, el } from "./dom.js";
import { openUnit, readNetworks } from "./ground.js";
import { showLegend, showScale } from "./legend.js";
import { followLive } from "./live.js";
import { moveInRows, pointRow, showCrumbs, showFigures, showPeople, showUnits } from "./panel.js";
import { byCode, countByUnit, figuresOf, peopleOf, replacePeople, updatePeople } from "./people.js";
import { go, LAYERS, now as stateNow, onChange } from "./state.js";

const sees = document.body.dataset;
const offered = LAYERS.filter((name) => {
  if (name === "people" || name === "trail") return sees.movement === "yes";
  if (name === "cases") return sees.cases === "yes";
  return name !== "hotspots" || sees.hotspots === "yes";
});

let map = null;
let networks = [];
let place = null; // where we are: { network, unit, level, steps, children }
let asOf = null;
let open = { cases: [], total: 0, byUnit: new Map() };
let hotspots = { key: null, classes: [], note: "" };
let trail = null;

async function start() {
  await loadWords();
  setInterval(() => (at("clock").textContent = clock(Date.now())), 1000);
  networks = await readNetworks();
  if (!networks.length) return banner(t("wall.no_ground"));
  fillNetworks();
  if (canDrawMaps()) await startMap();
  else banner(t("wall.no_webgl"));
  bindKeys();
  bindPanel();
  onChange(follow);
  await follow(stateNow(), {});
  if (sees.movement === "yes") followLive({ snapshot, frame, state: tellConnection });
  else tellConnection("refused");
  if (sees.cases === "yes") setInterval(loadCases, 30_000);
}

async function startMap() {
  map = makeMap("map", { bounds: networks[0].bbox, label: t("wall.map") });
  await new Promise((resolve) => map.once("load", resolve));
  addUnitLayers(map);
  addHotspotLayer(map);
  addCaseLayers(map);
  addTrailLayers(map);
  startDots(map);
  map.on("move", () => showScale(map));
  showScale(map);
  bindPointer();
}

// Going about.

async function follow(state, before) {
  const moved = !place || ["network", "unit", "level"].some((key) => state[key] !== before[key]);
  if (moved) await arrive(state);
  showLayers(state);
  if (state.person !== before.person) choosePerson(state.person);
  if (state.case !== before.case) chooseCase(state.case);
  if (!state.person && !state.case) hideDetail();
  loadHotspots();
  refreshPanel();
}

let arriving = 0;

async function arrive(state) {
  const turn = ++arriving;
  const network = networks.find((one) => one.code === state.network) ?? networks[0];
  at("network").value = network.code;
  const found = await openUnit(network, state.unit, state.level).catch((error) => {
    banner(t("failed", { what: error.message }));
    return openUnit(network, null, null);
  });
  if (turn !== arriving) return;
  place = found;
  refreshPanel();
  showCrumbs(place.steps.map((step) => ({ name: step.name, open: () => goTo(step) })));
  at("here").textContent = place.name;
  at("source").textContent = t("wall.source", { network: network.name, edition: network.editionSeq });
  drawPlace();
  if (sees.cases === "yes") loadCases();
}

function drawPlace() {
  if (!map) return;
  useNetwork(map, place.network);
  showGround();
  if (place.bbox) map.fitBounds(boundsOf(place.bbox), { padding: paddingNow(), duration: moveTime(600), maxZoom: 17 });
}

function showGround() {
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
  return { top: gap, right: gap + 40, bottom: at("foot").getBoundingClientRect().height + 2 * gap, left: sideWidth + gap };
}

/** The middle of that room, as an offset from the middle of the map. */
function offsetNow() {
  const { top, right, bottom, left } = paddingNow();
  return [(left - right) / 2, (top - bottom) / 2];
}

const goTo = (step) => go({ network: place.network.code, unit: step.code, level: step.code ? step.level : null });

function goUp() {
  const steps = place?.steps ?? [];
  if (steps.length > 1) goTo(steps[steps.length - 2]);
}

function openChild(key) {
  const child = place.children.find((one) => one.code === key);
  if (child) go({ network: place.network.code, unit: child.code, level: child.level });
}

// People.

function snapshot({ at: instant, dots }) {
  const isFirst = asOf === null;
  asOf = instant;
  replacePeople(dots);
  replaceDots(dots);
  afterFrame(true);
  if (isFirst && stateNow().person) lookAtPerson(stateNow().person);
}

function frame({ at: instant, dots, gone }) {
  asOf = instant;
  updatePeople(dots, gone);
  updateDots(dots, gone);
  afterFrame(dots.some((dot) => dot.code === stateNow().person));
}

function afterFrame(chosenMoved) {
  refreshPanel();
  const chosen = stateNow().person;
  if (chosen && chosenMoved) showChosen(chosen);
}

async function choosePerson(code) {
  trail = null;
  if (map) drawTrail(map, null);
  selectDot(byCode(code)?.id ?? null);
  if (!code) return;
  showChosen(code);
  const read = await readTrail(code).catch((error) => ({ error: error.message, features: [] }));
  if (stateNow().person !== code) return;
  trail = read;
  showChosen(code);
  if (map) drawTrail(map, trail);
}

function showChosen(code) {
  const dot = byCode(code);
  selectDot(dot?.id ?? null);
  showPerson(code, dot, trail);
}

const toPerson = (code) => go({ person: code, case: null });

function lookAtPerson(code) {
  toPerson(code);
  const dot = byCode(code);
  const position = dot && dotCoordinates(dot.id);
  if (map && position) map.easeTo({ center: position, zoom: Math.max(map.getZoom(), 15), duration: moveTime(600), offset: offsetNow() });
}

// Cases.

async function loadCases() {
  const asked = place;
  const read = await readCases(asked).catch(() => null);
  if (!read || asked !== place) return;
  open = read;
  if (map) drawCases(map, open.cases);
  refreshPanel();
}

async function chooseCase(number) {
  if (map) markCase(map, number);
  if (!number) return;
  const one = await readCase(number).catch((error) => ({ number, problem: error.message }));
  if (stateNow().case === number) showCase(one);
}

async function loadHotspots() {
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

// The panel.

function refreshPanel() {
  if (!place) return;
  const here = peopleOf(place.unit?.id ?? null);
  showFigures({ ...figuresOf(here), openCases: sees.cases === "yes" ? open.total : null, movement: sees.movement === "yes" }, asOf);
  const isPeople = showsPeople();
  for (const name of ["units", "people"]) {
    const chosen = (name === "people") === isPeople;
    at(`tab-${name}`).setAttribute("aria-selected", String(chosen));
    at(`tab-${name}`).tabIndex = chosen ? 0 : -1;
  }
  at("rows").setAttribute("aria-labelledby", isPeople ? "tab-people" : "tab-units");
  if (isPeople) showPeople(here, stateNow().person, { open: lookAtPerson, point: pointPerson });
  else showChildren();
}

/** People by choice, and where there is no unit below. */
function showsPeople() {
  const below = place.children.length > 0 || sees.movement !== "yes";
  return stateNow().list === "people" || (!below && stateNow().list !== "units");
}

function showChildren() {
  const counts = countByUnit();
  const children = place.children.map((child) => {
    const { onShift = 0, moving = 0 } = counts.get(child.id) ?? {};
    return { key: child.code, name: child.name, onShift, moving, cases: open.byUnit.get(child.id) ?? 0 };
  });
  const shows = { withPeople: sees.movement === "yes", withCases: sees.cases === "yes", levelName: place.childLevel?.name };
  showUnits(children, shows, { open: openChild, point: pointChild });
}

function pointChild(code) {
  const child = place.children.find((one) => one.code === code);
  if (map) pointUnit(map, child?.level ?? null, child?.tileId ?? null);
}

function pointPerson(code) {
  hoverDot(code ? (byCode(code)?.id ?? null) : null);
}

function bindPanel() {
  onClose(() => go({ person: null, case: null }));
  at("tab-units").addEventListener("click", () => go({ list: "units" }, { quiet: true }));
  at("tab-people").hidden = sees.movement !== "yes";
  at("tab-people").addEventListener("click", () => go({ list: "people" }, { quiet: true }));
  at("fold").addEventListener("click", () => {
    const folded = at("side").classList.toggle("folded");
    at("main").classList.toggle("folded", folded);
    at("fold").setAttribute("aria-expanded", String(!folded));
    at("fold").title = t(folded ? "wall.unfold" : "wall.fold");
    at("fold").firstElementChild.textContent = at("fold").title;
  });
  at("network").addEventListener("change", () => go({ network: at("network").value, unit: null, level: null }));
  at("zoom-in").addEventListener("click", () => map?.zoomIn({ duration: moveTime(250) }));
  at("zoom-out").addEventListener("click", () => map?.zoomOut({ duration: moveTime(250) }));
  at("whole").addEventListener("click", drawPlace);
  at("legend").open = !matchMedia("(max-width: 900px)").matches;
  at("language").addEventListener("click", keepAddress);
}

/** The other language of this very view. */
function keepAddress(event) {
  const target = new URL(location.href);
  target.searchParams.set("lang", new URL(event.currentTarget.href).searchParams.get("lang"));
  event.currentTarget.href = target.href;
}

function fillNetworks() {
  at("network").replaceChildren(...networks.map((one) => el("option", { value: one.code }, one.name)));
  at("network").parentElement.hidden = networks.length < 2;
}

function showLayers({ layers }) {
  const shown = layers.filter((name) => offered.includes(name));
  if (map) {
    showDots(shown.includes("people"));
    showTrailLayers(map, shown.includes("trail"));
    map.setLayoutProperty("cases", "visibility", shown.includes("cases") ? "visible" : "none");
    if (place) showGround();
  }
  const change = (name, on) => {
    const next = LAYERS.filter((each) => (each === name ? on : layers.includes(each)));
    go({ layers: next }, { quiet: true });
    at(`layer-${name}`).focus();
  };
  showLegend({ layers: offered, shown, hotspots, change });
}

// Keys and pointer.

function bindKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = event.target.matches?.("input, select, textarea");
    if (event.key === "Escape") go({ person: null, case: null });
    else if (inField) return;
    else if (event.key === "Backspace") goUp();
    else if (event.target.matches?.('[role="tab"]') && ["ArrowLeft", "ArrowRight"].includes(event.key)) otherTab();
    else if (map && event.target === map.getCanvas()) return;
    else if (!moveInRows(event.key)) return;
    event.preventDefault();
  });
}

function otherTab() {
  const isPeople = showsPeople();
  go({ list: isPeople ? "units" : "people" }, { quiet: true });
  at(isPeople ? "tab-units" : "tab-people").focus();
}

function bindPointer() {
  const level = () => place?.shownLevel ?? null;
  map.on("mousemove", ({ point }) => {
    const dot = dotAt(point);
    hoverDot(dot?.id ?? null);
    const unit = dot ? null : unitAt(map, level(), point);
    const child = unit && place.children.find((one) => one.code === unit.code);
    pointUnit(map, level(), child ? child.tileId : null);
    pointRow(child?.code ?? null);
    map.getCanvas().style.cursor = dot || unit ? "pointer" : "";
  });
  map.on("mouseout", () => pointRow(null));
  map.on("click", ({ point }) => {
    const dot = dotAt(point);
    if (dot) return toPerson(dot.code);
    const found = map.queryRenderedFeatures(point, { layers: ["cases"] })[0];
    if (found) return go({ case: found.properties.number, person: null });
    const unit = unitAt(map, level(), point);
    if (unit) go({ unit: unit.code, level: level() });
  });
}

// Connection.

function tellConnection(state) {
  at("connection").dataset.state = state;
  const word = { connecting: "live.connecting", live: "live.live", broken: "live.broken", ended: "live.broken" }[state];
  at("connection").hidden = !word;
  if (word && at("connection-text").textContent !== t(word)) at("connection-text").textContent = t(word);
  if (map) greyDots(state === "broken" || state === "ended");
  if (state === "broken") banner(asOf ? t("live.broken.text", { time: clock(asOf) }) : t("failed.network"));
  else if (state === "ended") banner(t("live.ended"));
  else if (state === "refused") banner(t("live.refused"));
  else banner("");
}

function banner(text) {
  if (at("banner").textContent !== text) at("banner").textContent = text;
  at("banner").hidden = !text;
}

start().catch((error) => {
  if (error instanceof Problem && error.status === 401) return leaveToSignIn();
  banner(error instanceof Problem ? t("failed", { what: error.message }) : t("failed.network"));
  throw error;
});
