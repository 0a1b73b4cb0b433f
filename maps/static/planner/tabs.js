// The tabs of a plan: its units as a table, what is wrong, the log, and its way through approval.
import { at, el } from "../wall/dom.js";
import { count, stamp } from "../format.js";
import { t } from "../words.js";
import { choose, chosenIds, onChosen, toggle } from "./choose.js";
import { showFindings } from "./findings.js";
import { fit, units } from "./ground.js";
import { showHandover } from "./handover.js";
import { packagePart } from "./package.js";
import { showSteps } from "./steps.js";
import { go, now, onChange } from "./state.js";
import { current, findingsNow, onWork, sceneNow } from "./work.js";
import { keepWriting } from "./writing.js";

const TABS = ["units", "findings", "log", "handover", "steps"];
const SHOW = { units: showUnits, findings: showFindings, log: showLog, handover: () => showHandover(again), steps: () => showSteps(again) };
const MOST_ROWS = 200;
const byCode = new Intl.Collator("en", { numeric: true });
const again = () => ["handover", "steps"].includes(tabNow()) && showTab();
const tabNow = () => (TABS.includes(now().tab) ? now().tab : "units");

export function startTabs() {
  for (const button of document.querySelectorAll("[data-tab]")) {
    button.addEventListener("click", () => go({ tab: button.dataset.tab }));
    button.addEventListener("keydown", onKey);
  }
  onWork((what) => {
    const mine = { units: ["units", "plan"], findings: ["findings"], log: ["plan"], handover: ["plan"], steps: ["plan"] };
    markTabs();
    if (mine[tabNow()].includes(what)) showSoon();
  });
  onChange((state, before) => state.tab !== before.tab && showTab());
  onChosen(markRows);
}

let coming = 0;

/** Once for all that one step changes: a table of many rows is not made twice. */
function showSoon() {
  coming ||= requestAnimationFrame(() => {
    coming = 0;
    showTab();
  });
}

function onKey(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = TABS[(TABS.indexOf(event.currentTarget.dataset.tab) + step + TABS.length) % TABS.length];
  go({ tab: next });
  at(`tab-${next}`).focus();
  event.preventDefault();
}

export function showTab() {
  markTabs();
  const body = at("tab-body");
  if (current() === null) {
    body.replaceChildren();
    return;
  }
  body.setAttribute("aria-labelledby", `tab-${tabNow()}`);
  const shown = SHOW[tabNow()]();
  const draw = () => body.replaceChildren(...[shown].flat().filter(Boolean));
  if (shown) keepWriting(body, `${current().id} ${current().state} ${current().steps.length} ${tabNow()}`, draw);
  markRows();
}

function markTabs() {
  const found = findingsNow();
  for (const name of TABS) {
    const button = at(`tab-${name}`);
    button.setAttribute("aria-selected", String(name === tabNow()));
    button.tabIndex = name === tabNow() ? 0 : -1;
  }
  const many = found.errors + found.warnings;
  at("tab-findings").textContent = t("planner.tab.findings") + (many ? ` ${many}` : "");
  at("tab-findings").dataset.errors = found.errors ? "yes" : "no";
}

let filter = "";

function showUnits() {
  const scene = sceneNow();
  const all = units.getSource().getFeatures().filter((each) => each.get("editable"));
  const body = el("tbody");
  const draw = () => body.replaceChildren(...rowsOf(all));
  const search = el("input", { type: "search", "aria-label": t("planner.units.search"), placeholder: t("planner.units.search"), value: filter });
  search.addEventListener("input", () => {
    filter = search.value;
    draw();
    markRows();
  });
  draw();
  return [
    scene.complete ? null : el("p", { class: "warning" }, t("planner.units.many", { n: count(scene.total) })),
    search,
    el(
      "table",
      { class: "units" },
      el("caption", { class: "sr" }, t("planner.units.caption")),
      el("thead", {}, el("tr", {}, ...["choose", "code", "name", "households", "hectares"].map((key) => el("th", { scope: "col", class: /households|hectares/.test(key) ? "right" : null }, t(`planner.units.${key}`))))),
      body,
    ),
  ];
}

function rowsOf(all) {
  const wanted = filter.trim().toLowerCase();
  const found = all.filter((each) => !wanted || `${each.get("code")} ${each.get("name")}`.toLowerCase().includes(wanted));
  found.sort((one, other) => byCode.compare(one.get("code"), other.get("code")));
  const more = found.length - MOST_ROWS;
  return [...found.slice(0, MOST_ROWS).map(rowOf), ...(more > 0 ? [el("tr", {}, el("td", { colspan: 5, class: "muted" }, t("planner.units.more", { n: count(more) })))] : [])];
}

function rowOf(unit) {
  const id = unit.getId();
  const box = el("input", { type: "checkbox", "aria-label": `${t("planner.units.choose")} ${unit.get("code")}`, onchange: () => toggle(id) });
  const name = el("button", { type: "button", class: "plain name", onclick: () => lookAt(unit) }, unit.get("name"));
  const change = unit.get("change");
  return el(
    "tr",
    { "data-unit": id, "data-change": change },
    el("td", {}, box),
    el("td", { class: "number" }, unit.get("code"), change === "changed" || change === "born" ? el("span", { class: "chip", "data-change": change }, t(`planner.change.${change}`)) : ""),
    el("td", {}, name),
    el("td", { class: "number right" }, unit.get("households") === null ? "–" : count(unit.get("households"))),
    el("td", { class: "number right" }, (unit.get("area_m2") / 10_000).toFixed(2)),
  );
}

function lookAt(unit) {
  choose([unit.getId()]);
  fit(unit.getGeometry().getExtent(), { padding: 96 });
}

function markRows() {
  const ids = new Set(chosenIds());
  for (const line of document.querySelectorAll("#tab-body tr[data-unit]")) {
    const on = ids.has(line.dataset.unit);
    line.setAttribute("aria-selected", String(on));
    line.querySelector("input").checked = on;
  }
}

function showLog() {
  const log = current().operations;
  const list = log.length === 0 ? el("p", { class: "muted" }, t("planner.log.none")) : listOf(log);
  return [list, packagePart()];
}

function listOf(log) {
  return el(
    "ol",
    { class: "log" },
    ...log.map((each) =>
      el(
        "li",
        { "data-undone": String(each.undone) },
        el("span", { class: "number muted" }, String(each.seq)),
        el("span", {}, t(`planner.op.${each.op}`), each.undone ? el("span", { class: "muted" }, ` ${t("planner.log.undone")}`) : ""),
        el("span", { class: "muted small" }, `${each.by} · ${stamp(each.at)}`),
      ),
    ),
  );
}
