// The tabs of a plan: its units as a table, what is wrong, the log, and its way through approval.
import { at, el } from "../wall/dom.js";
import { stamp } from "../format.js";
import { t } from "../words.js";
import { onChosen } from "./choose.js";
import { showFindings } from "./findings.js";
import { showHandover } from "./handover.js";
import { markRows, showUnits } from "./listing.js";
import { onUpper } from "./upper.js";
import { packagePart } from "./package.js";
import { showSteps } from "./steps.js";
import { go, now, onChange } from "./state.js";
import { current, findingsNow, onWork } from "./work.js";
import { keepWriting } from "./writing.js";

const TABS = ["units", "findings", "log", "handover", "steps"];
const SHOW = { units: showUnits, findings: showFindings, log: showLog, handover: () => showHandover(again), steps: () => showSteps(again) };
const again = () => ["handover", "steps"].includes(tabNow()) && showTab();
const tabNow = () => (TABS.includes(now().tab) ? now().tab : "units");

export function startTabs() {
  for (const button of document.querySelectorAll("[data-tab]")) {
    button.addEventListener("click", () => go({ tab: button.dataset.tab }));
    button.addEventListener("keydown", onKey);
  }
  onWork((what) => {
    const mine = { units: ["plan"], findings: ["findings"], log: ["plan"], handover: ["plan"], steps: ["plan"] };
    markTabs();
    if (mine[tabNow()].includes(what)) showSoon();
  });
  onChange((state, before) => state.tab !== before.tab && showTab());
  onChosen(markRows);
  onUpper(markRows);
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
  const parts = [shown].flat().filter(Boolean);
  const draw = () => body.replaceChildren(...parts);
  if (parts.length === 1 && body.firstChild === parts[0]) return markRows();
  if (shown) keepWriting(body, `${current().id} ${current().state} ${current().steps.length} ${tabNow()}`, draw);
  return markRows();
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
