// Going to a unit by its code or name, and what the map says when it is too far away to draw units one by one.
import { at, el } from "../wall/dom.js";
import { count } from "../format.js";
import { t } from "../words.js";
import { zoom } from "./cursor.js";
import { findInNetwork, findInPlan, finder, textOf } from "./find.js";
import { button } from "./forms.js";
import { chosen, fit, fitBox } from "./ground.js";
import { lookAt } from "./listing.js";
import { say, trying } from "./message.js";
import { go, now } from "./state.js";
import { current, onWork, sceneNow, stepsNearer } from "./work.js";

export function startGoTo() {
  const { box, field } = finder({
    ask: (text, how) => (current() ? findInPlan(text, how) : findInNetwork(text, now().network, how)),
    done: (unit) => trying(() => goTo(unit)),
    network: () => now().network,
    id: "goto-field",
    placeholder: t("planner.goto"),
    "aria-label": t("planner.goto"),
    "aria-keyshortcuts": "/",
  });
  at("goto").append(box);
  addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input, select, textarea");
    if (event.key !== "/" || typing || at("goto").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
  });
  onWork((what) => ["plan", "units"].includes(what) && showFar());
}

/** In a plan it is chosen, in the history its life is shown. */
async function goTo(unit) {
  if (current()) await lookAt(unit);
  else {
    go({ unit: unit.unit_id });
    if (unit.bbox) fitBox(unit.bbox, { padding: 96 });
  }
  say(t("planner.goto.there", { unit: textOf(unit) }));
  at("map").focus();
}

let nearing = false;

/** To what is chosen, else towards the middle of the view until its units can be drawn. */
function comeNearer() {
  const extent = chosen.getSource().getExtent();
  nearing = ol.extent.isEmpty(extent);
  if (nearing) zoom(stepsNearer());
  else fit(extent, { padding: 96 });
  at("map").focus();
}

function showFar() {
  const steps = current() === null ? 0 : stepsNearer();
  at("far").hidden = steps === 0;
  nearing &&= steps > 0;
  if (steps === 0) return;
  if (nearing) zoom(1);
  const nearer = at("far").querySelector("button") ?? button(t("planner.far.nearer"), comeNearer);
  const text = el("span", {}, t("planner.far", { n: count(sceneNow().total) }));
  if (nearer.isConnected) at("far").querySelector("span").replaceWith(text);
  else at("far").replaceChildren(text, nearer);
}
