// The coverage page: the address says what is asked, this module asks it, the others show it.
import { get, leaveToSignIn, Problem, send } from "../door.js";
import { count, stamp } from "../format.js";
import { at, el } from "../wall/dom.js";
import { openUnit, readNetworks } from "../wall/ground.js";
import { language, loadWords, t } from "../words.js";
import "../session.js";
import { listCases, showCases } from "./cases.js";
import { basis, isFew, meaning, percent } from "./figure.js";
import { listCold, listNotes, listPeople, listUnits, openProof, unsure } from "./lists.js";
import { drawRound, drawTrail, paint, showPlace, startMap } from "./map.js";
import { forgetPerson, showPerson } from "./person.js";
import { showProof } from "./proof.js";
import { showCalendar, showTrend, showWeek } from "./rhythm.js";
import { go, now, onChange } from "./state.js";
import { instantOf } from "./stretch.js";

const TABS = ["units", "cold", "people", "cases", "notes"];
const { root, yesterday } = document.body.dataset;
const here = { networks: [], place: null, answer: null, calendar: null, trend: null };

/** The address with what it leaves open filled in. */
function asked() {
  const state = now();
  const to = state.to ?? yesterday;
  const week = new Date(Date.parse(`${to}T00:00Z`) - 6 * 86400e3).toISOString().slice(0, 10);
  return { ...state, to, from: state.from ?? week, unit: state.unit ?? (root || null), network: state.network ?? here.networks[0].code, measure: state.measure ?? "area", show: state.show ?? "share", tab: TABS.includes(state.tab) ? state.tab : "units" };
}

const query = ({ from, to, unit, network }, more = {}) => new URLSearchParams({ from, to, network, ...(unit ? { unit } : {}), ...more });

async function start() {
  await loadWords();
  here.networks = await readNetworks();
  if (!here.networks.length) return problem(t("wall.no_ground"));
  at("network").replaceChildren(...here.networks.map((one) => el("option", { value: one.code }, one.name)));
  await startMap(here.networks[0].bbox, openById);
  bind();
  onChange((state, before) => attempt(() => keepFocus(() => follow(before))));
  await attempt(() => follow(null));
  document.body.dataset.ready = "yes";
}

/** What had the focus is often made anew: it goes to the one that says the same in the same part of the page. */
async function keepFocus(act) {
  const had = document.activeElement;
  const part = had?.closest("#list, #detail, #calendar");
  const sayOf = (one) => `${one.tagName} ${one.getAttribute("aria-label") ?? ""} ${one.textContent}`;
  const said = had && sayOf(had);
  await act();
  if (part && !had.isConnected && document.activeElement === document.body) [...part.querySelectorAll("button, a, summary")].find((one) => sayOf(one) === said)?.focus({ preventScroll: true });
}

async function follow(before) {
  const state = asked();
  const changed = (...keys) => !before || keys.some((key) => now()[key] !== before[key]);
  fill(state);
  if (changed("network", "unit", "level", "from", "to")) await arrive(state);
  markTabs(state);
  at("nothing").hidden = Boolean(here.answer);
  if (!here.answer) return showNothing(state, changed("network", "unit", "from", "to"));
  paint(here.answer.units, state);
  tellFigures(state);
  const listed = ["network", "unit", "level", "from", "to", "tab", "role", "measure", "on", "person"];
  await Promise.all([
    changed(...listed) ? list(state) : null,
    changed("network", "unit", "from", "to", "on") ? rhythm(state, changed("network", "unit", "from", "to")) : null,
    changed("network", "unit", "from", "to", "cases") ? showCases(withInstants(state)) : null,
    detail(state),
  ]);
  if (here.trend) showTrend(here.trend, state);
}

/** Cases are asked for by instants: the period's first and last. */
function withInstants(state) {
  const after = new Date(Date.parse(`${state.to}T00:00Z`) + 86400e3).toISOString().slice(0, 10);
  return { ...state, since: instantOf(state.from, "00:00:00"), until: instantOf(after, "00:00:00") };
}

async function arrive(state) {
  const network = here.networks.find((one) => one.code === state.network) ?? here.networks[0];
  here.answer = null;
  [here.place, here.calendar] = await Promise.all([openUnit(network, state.unit, null), get(`/v1/coverage/calendar?${query(state)}`)]);
  crumbs(here.place);
  levels(network, here.place, state);
  if (here.calendar.days.some((day) => day.area)) here.answer = await readFigures(state);
  showPlace(here.place, state.level ?? here.place.shownLevel);
}

async function readFigures(state) {
  const [answer, checkins] = await Promise.all([get(`/v1/coverage?${query(state, state.level ? { level: state.level } : {})}`), get(`/v1/coverage/checkins?${query(state)}`)]);
  const said = new Map(checkins.units.map((one) => [one.unit_id, one]));
  for (const unit of [answer.whole, ...answer.units]) unit.checkins = said.get(unit.id?.replaceAll("-", ""));
  if (!answer.units.length) answer.units = answer.whole.id ? [answer.whole] : [];
  return answer;
}

/** No day of the period is computed: the ground, the calendar, and what to do. */
async function showNothing(state, anew) {
  at("here").textContent = here.place.name;
  for (const part of ["figures", "as-of", "list"]) at(part).replaceChildren();
  for (const part of ["caution", "role-note", "detail"]) at(part).hidden = true;
  paint([], state);
  drawRound([]);
  drawTrail([]);
  if (anew) await rhythm(state, true);
}

async function list(state) {
  const lists = {
    units: () => listUnits(here.answer, state, openById),
    cold: async () => {
      const [found, places] = await Promise.all([get(`/v1/coverage/unvisited?${query(state)}`), get(`/v1/coverage/sites?${query(state)}`)]);
      listCold(found, places);
      drawRound(found.round.map((row) => found.stops[row]));
    },
    cases: () => listCases(withInstants(state), query(state)),
    people: async () => listPeople(await get(`/v1/coverage/people?${new URLSearchParams({ network: state.network, unit: unitOf(state), on: state.on ?? state.to, ...(state.role ? { role: state.role } : {}) })}`), state.role ? at("role").selectedOptions[0].text : ""),
    notes: async () => listNotes(await get(`/v1/coverage/notes?${query({ ...state, unit: unitOf(state) })}`), answerNote),
  };
  if (state.tab !== "cold") drawRound([]);
  await lists[state.tab]();
}

/** People and notes are of a unit: of the whole network that is its top. */
const unitOf = (state) => state.unit ?? here.place.unit?.code ?? here.place.children[0]?.code ?? "";

async function rhythm(state, anew) {
  if (anew) here.trend = null;
  const [week, trend] = await Promise.all([get(`/v1/coverage/week?${query(state)}`), here.trend ?? get(`/v1/coverage/trend?${query(state)}`)]);
  here.trend = trend;
  showCalendar(here.calendar, state);
  showWeek(week);
}

async function detail(state) {
  at("detail").hidden = !(state.person || state.proof);
  if (state.person) await showPerson({ ...state, on: state.on ?? state.to }, answerNote);
  else if (state.proof) await showProof(state);
  else return drawTrail([]);
  at("detail").scrollIntoView({ block: "nearest" });
}

async function answerNote(id, kind, words) {
  await attempt(async () => {
    await send(`/v1/coverage/notes/${id}/answer`, { answer: kind, text: words });
    forgetPerson();
    await Promise.all([list(asked()), detail(asked())]);
  });
}

function openById(id) {
  const unit = here.answer.units.find((one) => one.id === id);
  if (unit && unit.code !== here.place.unit?.code) go({ unit: unit.code, level: null, proof: null, prove: null, person: null, part: null });
}

function tellFigures({ measure }) {
  const { whole, required, at_least_once: once, days, as_of: asOf, claimable, interval_s: interval, spans_editions: spans, definitions } = here.answer;
  const figure = whole.figures[measure];
  at("here").replaceChildren(here.place.name, " ", whole.id ? el("a", { class: "link small", href: `/units/${whole.id}` }, t("coverage.unit_page")) : "");
  const proof = (key, one) => (whole.code && one.denominator ? el("button", { type: "button", class: "link small", onclick: () => openProof(whole.code, key) }, t("coverage.proof")) : null);
  const item = (name, one, key) => el("div", { class: isFew(one) ? "few" : null, title: `${meaning(one, definitions)}\n${basis(one)}` }, el("dt", {}, name, " ", key ? proof(key, one) : null), el("dd", {}, el("b", { class: "number" }, one.denominator ? percent(one.share) : "–"), el("span", { class: "muted small" }, one.denominator || one.not_observed ? basis(one) : t("coverage.nothing_due"))));
  const items = [item(t(`coverage.measure.${measure}`), figure, measure)];
  if (once && measure === "area") items.push(item(t("coverage.once"), once));
  if (measure !== "required" && (required.denominator || required.not_observed)) items.push(item(t("coverage.required"), required, "required"));
  at("as-of").textContent = t("coverage.stands", { at: stamp(asOf), days: count(days.length), interval: interval === null ? "–" : count(Math.round(interval)), definition: `${figure.definition} ${figure.version}` });
  if (whole.checkins && figure.not_observed) items.push(el("div", {}, el("dt", {}, t("coverage.checkin")), el("dd", {}, el("span", { class: "small" }, t("coverage.checkins", { n: count(whole.checkins.checkins), people: count(whole.checkins.people), at: stamp(whole.checkins.last_at) })))));
  at("figures").replaceChildren(...items);
  at("role-note").hidden = !at("role").value;
  const cautions = [claimable ? "" : `${t("coverage.not_claimable")} ${unsure(whole)}`, spans ? t("coverage.spans") : ""].filter(Boolean);
  at("caution").textContent = cautions.join(" ");
  at("caution").hidden = !cautions.length;
}

function crumbs({ steps }) {
  const allowed = root ? steps.slice(Math.max(0, steps.findIndex((step) => step.code === root))) : steps;
  const items = allowed.map((step, row) => (row === allowed.length - 1 ? el("li", { "aria-current": "page" }, step.name) : el("li", {}, el("button", { type: "button", onclick: () => go({ unit: step.code, level: null, proof: null, prove: null, person: null, part: null }) }, step.name))));
  at("crumbs").replaceChildren(...items);
}

function levels(network, place, state) {
  const below = network.levels.filter((one) => one.isMain && one.depth > (place.unit ? (network.levels.find((level) => level.code === place.unit.level)?.depth ?? -1) : -1));
  at("level").replaceChildren(el("option", { value: "" }, t("coverage.level.below")), ...below.map((one) => el("option", { value: one.code }, one.name)));
  at("level").value = state.level ?? "";
}

function fill(state) {
  for (const key of ["from", "to", "measure", "network"]) at(key).value = state[key];
  at("role").value = state.role ?? "";
  for (const radio of document.getElementsByName("show")) radio.checked = radio.value === state.show;
  for (const file of at("files").querySelectorAll("a")) file.href = `/v1/coverage/report?${query(state, { kind: file.dataset.kind, lang: language, ...(state.level ? { level: state.level } : {}) })}`;
}

function markTabs({ tab }) {
  for (const key of TABS) {
    at(`tab-${key}`).setAttribute("aria-selected", String(key === tab));
    at(`tab-${key}`).tabIndex = key === tab ? 0 : -1;
  }
  at("list").setAttribute("aria-labelledby", `tab-${tab}`);
}

function bind() {
  at("asked").addEventListener("submit", (event) => event.preventDefault());
  at("from").addEventListener("change", () => at("from").value && go({ from: at("from").value }));
  at("to").addEventListener("change", () => at("to").value && go({ to: at("to").value }));
  at("network").addEventListener("change", () => go({ network: at("network").value, unit: null, level: null, proof: null }));
  at("level").addEventListener("change", () => go({ level: at("level").value || null }));
  at("role").addEventListener("change", () => go({ role: at("role").value || null, tab: "people" }));
  at("cases-on").addEventListener("change", () => go({ cases: at("cases-on").checked ? "1" : null }));
  at("measure").addEventListener("change", () => go({ measure: at("measure").value }));
  for (const radio of document.getElementsByName("show")) radio.addEventListener("change", () => go({ show: radio.value }));
  for (const key of TABS) at(`tab-${key}`).addEventListener("click", () => go({ tab: key }));
  document.querySelector(".tabs").addEventListener("keydown", ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const next = TABS[(TABS.indexOf(asked().tab) + step + TABS.length) % TABS.length];
    go({ tab: next });
    at(`tab-${next}`).focus();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (now().person || now().proof)) go({ person: null, part: null, proof: null, prove: null });
  });
}

async function attempt(act) {
  at("main").setAttribute("aria-busy", "true");
  try {
    await act();
    problem("");
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return leaveToSignIn();
    problem(error instanceof Problem ? error.message : t("failed.network"));
    if (!(error instanceof Problem)) throw error;
  } finally {
    at("main").removeAttribute("aria-busy");
  }
}

function problem(text) {
  at("problem").textContent = text;
  at("problem").hidden = !text;
}

start();
