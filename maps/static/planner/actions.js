// What can be done with the chosen units without drawing.
import { at, el } from "../wall/dom.js";
import { count } from "../format.js";
import { t } from "../words.js";
import { chosenUnits, onChosen } from "./choose.js";
import { findAbove, findInPlan, levelName, unitRow } from "./find.js";
import { button, form, input, row, select, submit } from "./forms.js";
import { trying } from "./message.js";
import { go } from "./state.js";
import { networkOf } from "./plans.js";
import { paintForm } from "./paint.js";
import { suggestForm } from "./suggest.js";
import { tellDone, toolInHand } from "./tools.js";
import { current, firstParent, isBusy, onWork, operate, sceneNow } from "./work.js";

const hectares = (m2) => `${(m2 / 10_000).toFixed(m2 < 100_000 ? 2 : 1)} ${t("planner.ha")}`;
const run = (op, args) => trying(async () => tellDone(op, await operate(op, args)));
let drawn = "";

export function startActions() {
  onChosen(show);
  onWork((what) => what !== "busy" && show());
  document.addEventListener("click", (event) => event.target.closest("[data-tool]") && show());
}

function show() {
  const units = chosenUnits();
  const plan = current();
  const parents = Object.keys(sceneNow().parents ?? {}).length > 0;
  const key = JSON.stringify([plan?.id, plan?.state, toolInHand(), parents, units.map((each) => [each.getId(), each.getRevision(), each.get("name")])]);
  if (key === drawn) return;
  drawn = key;
  at("chosen").replaceChildren(...(plan === null ? [] : card(plan, units)));
}

function card(plan, units) {
  if (toolInHand() === "dedicated") return [dedicatedForm(plan)];
  if (toolInHand() === "paint") return paintForm();
  if (units.length === 0) {
    const help = el("p", { class: "muted" }, t(plan.may_edit ? "planner.chosen.none" : "planner.chosen.look"));
    return [el("h2", {}, t("planner.chosen.title")), help, ...(plan.may_edit ? [suggestForm()] : [])];
  }
  const sum = (name) => units.reduce((total, each) => total + (each.get(name) ?? 0), 0);
  return [
    el("h2", {}, units.length === 1 ? units[0].get("name") : t("planner.chosen.many", { n: units.length })),
    el(
      "ol",
      { class: "chosen-list" },
      ...units.map((each) => el("li", {}, el("span", { class: "number" }, each.get("code")), el("span", { class: "muted" }, each.get("name")))),
    ),
    el("p", { class: "number" }, t("planner.chosen.sum", { households: count(sum("households")), area: hectares(sum("area_m2")) })),
    ...(plan.may_edit && units.every((each) => each.get("editable")) ? formsFor(units) : [el("p", { class: "muted" }, t("planner.chosen.locked"))]),
    units.length === 1 ? button(t("planner.life.show"), () => go({ unit: units[0].getId() })) : null,
  ].filter(Boolean);
}

function formsFor(units) {
  const ids = units.map((each) => each.getId());
  return units.length > 1 ? [mergeForm(ids), reparentForm(ids)] : oneForm(units[0], ids[0]);
}

function mergeForm(units) {
  return form(
    { class: "act", "aria-label": t("planner.op.merge") },
    (values) => run("merge", { units, identity: values.identity, name: values.name || null }),
    row(t("planner.merge.identity"), select("identity", [["keep", t("planner.merge.keep")], ["new", t("planner.merge.new")]])),
    row(t("planner.merge.name"), input("name", { maxlength: 200, placeholder: t("planner.merge.name.hint") })),
    submit(t("planner.op.merge"), { class: "main", "data-op": "merge" }),
  );
}

function reparentForm(units) {
  const level = networkOf(current().network).levels.find((each) => each.code === chosenUnits()[0].get("level"))?.parent;
  return form(
    { class: "act", "aria-label": t("planner.op.reparent") },
    (values) => run("reparent", { units, parent: values.parent }),
    unitRow(t("planner.reparent.to"), { name: "parent", ask: (text, how) => findInPlan(text, { ...how, level }) }),
    submit(t("planner.op.reparent"), { "data-op": "reparent" }),
  );
}

function oneForm(unit, id) {
  return [
    form(
      { class: "act", "aria-label": t("planner.op.split_even") },
      (values) => run("split_even", { unit: id, count: Number(values.count), by: values.by }),
      el(
        "div",
        { class: "pair" },
        row(t("planner.even.count"), input("count", { type: "number", min: 2, max: 100, value: 2, required: true })),
        row(t("planner.even.by"), select("by", [["households", t("planner.even.households")], ["area", t("planner.even.area")]])),
      ),
      submit(t("planner.op.split_even"), { "data-op": "split_even" }),
    ),
    form(
      { class: "act", "aria-label": t("planner.op.rename") },
      (values) => run("rename", { unit: id, name: values.name }),
      row(t("planner.name"), input("name", { maxlength: 200, required: true, value: unit.get("name") })),
      submit(t("planner.op.rename"), { "data-op": "rename" }),
    ),
    form(
      { class: "act", "aria-label": t("planner.op.recode") },
      (values) => run("recode", { unit: id, code: values.code }),
      row(t("planner.code"), input("code", { maxlength: 64, required: true, value: unit.get("code") })),
      submit(t("planner.op.recode"), { "data-op": "recode" }),
    ),
    button(t("planner.op.dissolve"), () => run("dissolve", { unit: id }), { "data-op": "dissolve", disabled: isBusy() }),
  ];
}

function dedicatedForm(plan) {
  const { levels } = networkOf(plan.network);
  const first = firstParent();
  const level = select("level", []);
  const offer = (parent) =>
    level.replaceChildren(...levels.filter((each) => each.parent !== null && each.parent === parent?.level).map((each) => el("option", { value: each.code }, levelName(plan.network, each.code))));
  offer(first);
  return el(
    "form",
    { id: "dedicated-form", class: "act" },
    el("h2", {}, t("planner.op.create_dedicated")),
    row(t("planner.dedicated.call"), input("name", { maxlength: 200 })),
    unitRow(t("planner.dedicated.parent"), { name: "parent", ask: findAbove, chosen: first, hear: offer }),
    row(t("planner.dedicated.level"), level),
    el("p", { class: "muted small" }, t("planner.dedicated.draw")),
  );
}
