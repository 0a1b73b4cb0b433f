// Search by name, unit, code or case number: type, arrows, Enter; the service answers within one's scope.
import { get } from "../door.js";
import { boundsOf } from "../map/units.js";
import { moveTime } from "../map/frame.js";
import { t } from "../words.js";
import { toCase } from "./chosen_case.js";
import { lookAtPerson } from "./chosen_person.js";
import { focusNextDetail } from "./detail.js";
import { at, el } from "./dom.js";
import { lookAt } from "./going.js";
import { here } from "./here.js";
import { byCode } from "./people.js";
import { say } from "./alerts/say.js";
import { go } from "./state.js";

const KINDS = ["person", "unit", "case"];
const MOST = 20;
const PAUSE_MS = 180;

let results = [];
let active = -1;
let timer = 0;
let asking = null; // ends the question before

export function startSearch() {
  const field = at("search");
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  });
  field.addEventListener("keydown", onKey);
  field.addEventListener("focus", () => field.value.trim() && results.length && open(true));
  field.form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("pointerdown", ({ target }) => !field.form.contains(target) && open(false));
  field.addEventListener("blur", ({ relatedTarget }) => relatedTarget && !field.form.contains(relatedTarget) && open(false));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input, select, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
}

async function ask() {
  asking?.abort();
  const text = at("search").value.trim();
  at("search").dataset.asked = text;
  if (!text) return show([], "");
  asking = new AbortController();
  const query = new URLSearchParams({ q: text, limit: MOST });
  const found = await get(`/v1/search?${query}`, { signal: asking.signal }).catch((error) => error);
  if (found.name === "AbortError" || at("search").value.trim() !== text) return;
  if (found instanceof Error) return show([], t("failed", { what: found.message }));
  const ranked = KINDS.flatMap((kind) => found.results.filter((one) => one.kind === kind));
  show(ranked, ranked.length ? "" : t("search.none", { text }));
}

function show(list, note) {
  results = list;
  active = list.length ? 0 : -1;
  const groups = KINDS.map((kind) => groupOf(kind)).filter(Boolean);
  at("search-results").replaceChildren(...groups, ...(note ? [el("p", { class: "muted", role: "presentation" }, note)] : []));
  open(list.length > 0 || note !== "");
  point();
  if (note || list.length) say(note || t("search.found", { count: list.length }));
}

function groupOf(kind) {
  const rows = results.map((one, index) => [one, index]).filter(([one]) => one.kind === kind);
  if (!rows.length) return null;
  const title = el("h3", { id: `search-${kind}`, role: "presentation" }, t(`search.${kind}`));
  return el("div", { role: "group", "aria-labelledby": `search-${kind}` }, title, ...rows.map(([one, index]) => option(one, index)));
}

/** What stands beside the name: a unit's level and a case's state come as codes. */
function detailOf({ kind, detail, network }) {
  if (kind === "case") return t(`case.${detail}`);
  if (kind !== "unit") return detail ?? "";
  const found = here.networks.find((one) => one.code === network);
  return [found?.name, found?.levels.find((level) => level.code === detail)?.name].filter(Boolean).join(" · ");
}

function option(one, index) {
  const row = el("div", { role: "option", id: `found-${index}`, "aria-selected": "false" }, el("span", {}, one.name), el("span", { class: "muted small" }, detailOf(one)), el("code", { class: "muted small number" }, one.name === one.code ? "" : one.code));
  row.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  row.addEventListener("click", () => choose(index));
  return row;
}

function open(on) {
  at("search-results").hidden = !on;
  at("search").setAttribute("aria-expanded", String(on));
  if (!on) at("search").removeAttribute("aria-activedescendant");
}

function point() {
  results.forEach((_, index) => at(`found-${index}`)?.setAttribute("aria-selected", String(index === active)));
  if (active < 0) return;
  at("search").setAttribute("aria-activedescendant", `found-${active}`);
  at(`found-${active}`).scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  const last = results.length - 1;
  const to = { ArrowDown: active >= last ? 0 : active + 1, ArrowUp: active <= 0 ? last : active - 1 }[event.key];
  if (to !== undefined && results.length) {
    active = to;
    open(true);
    point();
  } else if (event.key === "Enter") {
    enter();
  } else if (event.key === "Escape") {
    if (at("search-results").hidden && !at("search").value) at("search").blur();
    at("search").value = "";
    show([], "");
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/** Enter pressed before the answer came waits for it. */
async function enter() {
  const text = at("search").value.trim();
  if (at("search").dataset.asked !== text) {
    clearTimeout(timer);
    await ask();
  }
  if (active >= 0) choose(active);
}

function choose(index) {
  const one = results[index];
  at("search").value = "";
  show([], "");
  at("search").blur();
  if (one.kind === "unit") return go({ network: one.network, unit: one.code, level: one.detail, person: null, case: null });
  focusNextDetail();
  if (one.kind === "case") toCase(one.code);
  else lookAtPerson(one.code);
  const isOnMap = one.kind === "person" && byCode(one.code)?.lon != null;
  if (!isOnMap) look(one);
}

function look({ lon, lat, bbox }) {
  if (lon != null) lookAt([lon, lat]);
  else if (bbox) here.map?.fitBounds(boundsOf(bbox), { duration: moveTime(600), maxZoom: 16 });
}
