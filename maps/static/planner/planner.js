// The planner: a list of plans, the open one with its tools, or the editions there have been.
import { get } from "../door.js";
import { at, el } from "../wall/dom.js";
import { loadWords, t } from "../words.js";
import { startActions } from "./actions.js";
import { startCompare } from "./compare.js";
import { choose } from "./choose.js";
import { startCursor, zoom } from "./cursor.js";
import { startFindings } from "./findings.js";
import { changes, fitBox, keepPlace, map, readNetworks, restoreView, showPublished, units } from "./ground.js";
import { showHistory, startHistory } from "./history.js";
import { showLegend } from "./legend.js";
import { showLife, startLife } from "./life.js";
import { say, trying } from "./message.js";
import { startGoTo } from "./goto.js";
import { networkOf, setNetworks, showPlans, startHead } from "./plans.js";
import { startStreets } from "./streets.js";
import { go, note, now, onChange } from "./state.js";
import { showTab, startTabs } from "./tabs.js";
import { startTools, takeTool } from "./tools.js";
import { closePlan, current, onWork, openPlan, sceneNow } from "./work.js";
import "../session.js";

async function start() {
  await loadWords();
  const networks = (await readNetworks()).filter((each) => each.edition !== null);
  setNetworks(networks);
  if (networks.length === 0) {
    at("plans").hidden = false;
    at("plans").replaceChildren(el("h2", {}, t("planner.plans.title")), el("p", { class: "muted" }, t("start.networks.none")));
    return;
  }
  if (!networkOf(now().network)) note({ network: networks[0].code });
  at("network").replaceChildren(...networks.map((each) => el("option", { value: each.code, selected: each.code === now().network }, each.name)));
  at("network").addEventListener("change", () => go({ network: at("network").value, plan: null, edition: null, unit: null }));
  for (const begin of [startTools, startCursor, startHead, startTabs, startFindings, startActions, startCompare, startHistory, startLife, startStreets, startGoTo]) begin();
  at("view-plans").addEventListener("click", () => go({ view: null, edition: null, unit: null }));
  at("view-history").addEventListener("click", () => go({ view: "history", unit: null }));
  at("zoom-in").addEventListener("click", () => zoom(1));
  at("zoom-out").addEventListener("click", () => zoom(-1));
  at("whole").addEventListener("click", () => fitBox(sceneNow().bbox && current() ? sceneNow().bbox : networkOf(now().network).bbox));
  onWork((what) => what === "busy" || (at("left").dataset.ready = "yes"));
  onChange((state, before) => {
    if (["network", "plan", "view"].some((key) => state[key] !== before[key])) show();
  });
  if (matchMedia("(max-width: 900px)").matches) at("legend").open = false;
  await show();
  await showLife();
  globalThis.planner = { map, units };
}

/** Bring on what the address asks for. */
async function show() {
  const { network, plan, view } = now();
  keepPlace();
  const history = view === "history" || document.body.dataset.plans === "no";
  at("view-plans").setAttribute("aria-pressed", String(!history));
  at("view-history").setAttribute("aria-pressed", String(history));
  at("view-plans").hidden = document.body.dataset.plans === "no";
  at("network").value = network;
  at("plans").hidden = history || Boolean(plan);
  at("plan").hidden = history || !plan;
  at("history").hidden = !history;
  units.setVisible(!history && Boolean(plan));
  changes.setVisible(history);
  at("legend").hidden = at("goto").hidden = !history && !plan;
  showLegend(history ? "history" : "plan");
  say("");
  choose([]);
  takeTool("choose");
  await trying(async () => {
    if (history) {
      closePlan();
      await showHistory();
    } else if (plan) {
      if (String(current()?.id) !== plan) closePlan();
      const found = await get(`/v1/plans/${encodeURIComponent(plan)}`);
      await showPublished(networkOf(found.network), found.base_edition_id);
      await openPlan(plan);
      showTab();
    } else {
      closePlan();
      await showPublished(networkOf(network), networkOf(network).edition.id);
      if (!restoreView() && networkOf(network).bbox) fitBox(networkOf(network).bbox);
      await showPlans();
    }
  });
  if (plan && !history && current() === null) await showInstead();
}

/** There is no such plan, or not for whoever asks: their own are listed, below what was said. */
async function showInstead() {
  at("plan").hidden = true;
  at("plans").hidden = false;
  await trying(showPlans);
}

trying(start);
