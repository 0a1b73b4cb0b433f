// What can be done with the chosen units without drawing.
import { at, el } from "../wall/dom.js";
import { count } from "../format.js";
import { t } from "../words.js";
import { chosenUnits, onChosen } from "./choose.js";
import { identityRow, splitForm, survivorOf, survivorRow } from "./identity.js";
import { findAbove, findInPlan, levelName, unitRow } from "./find.js";
import { button, form, input, row, select, submit } from "./forms.js";
import { trying } from "./message.js";
import { go } from "./state.js";
import { networkOf } from "./plans.js";
import { paintForm } from "./paint.js";
import { suggestForm } from "./suggest.js";
import { onTool, tellDone, toolInHand } from "./tools.js";
import { onUpper, upperUnits } from "./upper.js";
import { current, firstParent, isBusy, onWork, operate, readScene, sceneNow } from "./work.js";

const hectares = (m2) => `${(m2 / 10_000).toFixed(m2 < 100_000 ? 2 : 1)} ${t("planner.ha")}`;
const draw = (op, args) => trying(async () => tellDone(op, await operate(op, args)));
const idsOf = (units) => units.map((each) => each.unit_id);
let drawn = "";

export function startActions() {
  onChosen(show);
  onUpper(show);
  onWork((what) => what !== "busy" && show());
  onTool(show);
}

function show() {
  const units = chosenUnits();
  const plan = current();
  const parents = Object.keys(sceneNow().parents ?? {}).length > 0;
  const key = JSON.stringify([plan?.id, plan?.state, toolInHand(), parents, units.map((each) => [each.getId(), each.getRevision(), each.get("name")]), upperUnits()]);
  if (key === drawn) return;
  drawn = key;
  at("chosen").replaceChildren(...(plan === null ? [] : card(plan, units)));
}

function card(plan, units) {
  if (toolInHand() === "dedicated") return [dedicatedForm(plan)];
  if (toolInHand() === "paint") return paintForm();
  if (toolInHand() === "split" && plan.may_edit) return [splitForm(), ...(units.length ? cardOf(plan, units) : [])];
  if (upperUnits().length) return upperCard(plan, upperUnits());
  return cardOf(plan, units);
}

function cardOf(plan, units) {
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

/** Of units above the drawn ones: no border is drawn, it follows from the units below. */
function upperCard(plan, units) {
  const names = units.map((each) => el("li", {}, el("span", { class: "number" }, each.code), el("span", { class: "muted" }, each.name)));
  const level = networkOf(plan.network).levels.find((each) => each.code === units[0].level);
  return [
    el("h2", {}, units.length === 1 ? units[0].name : t("planner.chosen.many", { n: units.length })),
    el("p", { class: "muted small" }, t("planner.chosen.above", { level: levelName(plan.network, units[0].level) })),
    el("ol", { class: "chosen-list" }, ...names),
    ...(plan.may_edit ? [...(units.length > 1 ? [mergeForm(units, upper)] : namesForms(units[0], upper)), ...(level?.parent ? [reparentForm(units, upper)] : [])] : [el("p", { class: "muted" }, t("planner.chosen.locked"))]),
    units.length === 1 ? button(t("planner.life.show"), () => go({ unit: units[0].unit_id })) : null,
  ].filter(Boolean);
}

/** The same, and what the map says of the units above is read again. */
const upper = (op, args) =>
  trying(async () => {
    tellDone(op, await operate(op, args), args.units?.length ?? 1);
    await readScene();
  });

const plainOf = (unit) => ({ unit_id: unit.getId(), level: unit.get("level"), code: unit.get("code"), name: unit.get("name") });

function formsFor(features) {
  const units = features.map(plainOf);
  return units.length > 1 ? [mergeForm(units), reparentForm(units)] : [...evenForms(units[0]), ...namesForms(units[0]), reparentForm(units), dissolveButton(units[0])];
}

function mergeForm(units, run = draw) {
  return form(
    { class: "act", "aria-label": t("planner.op.merge") },
    ({ identity, name }) => run("merge", { units: idsOf(units), ...survivorOf(identity), name: name || null }),
    survivorRow(units),
    row(t("planner.merge.name"), input("name", { maxlength: 200, placeholder: t("planner.merge.name.hint") })),
    submit(t("planner.op.merge"), { class: "main", "data-op": "merge" }),
  );
}

function reparentForm(units, run = draw) {
  const level = networkOf(current().network).levels.find((each) => each.code === units[0].level)?.parent;
  return form(
    { class: "act", "aria-label": t("planner.op.reparent") },
    (values) => run("reparent", { units: idsOf(units), parent: values.parent }),
    unitRow(t("planner.reparent.to"), { name: "parent", ask: (text, how) => findInPlan(text, { ...how, level }) }),
    submit(t("planner.op.reparent"), { "data-op": "reparent" }),
  );
}

function evenForms({ unit_id: unit }) {
  const measures = ["households", "area", "cases"].map((each) => [each, t(`planner.even.${each}`)]);
  return [
    form(
      { class: "act", "aria-label": t("planner.op.split_even") },
      (values) => draw("split_even", { unit, count: Number(values.count), by: values.by, identity: values.identity }),
      el(
        "div",
        { class: "pair" },
        row(t("planner.even.count"), input("count", { type: "number", min: 2, max: 100, value: 2, required: true })),
        row(t("planner.even.by"), select("by", measures)),
      ),
      identityRow(),
      submit(t("planner.op.split_even"), { "data-op": "split_even" }),
    ),
  ];
}

function namesForms({ unit_id: unit, name, code }, run = draw) {
  return [
    form(
      { class: "act", "aria-label": t("planner.op.rename") },
      (values) => run("rename", { unit, name: values.name }),
      row(t("planner.name"), input("name", { maxlength: 200, required: true, value: name })),
      submit(t("planner.op.rename"), { "data-op": "rename" }),
    ),
    form(
      { class: "act", "aria-label": t("planner.op.recode") },
      (values) => run("recode", { unit, code: values.code }),
      row(t("planner.code"), input("code", { maxlength: 64, required: true, value: code })),
      submit(t("planner.op.recode"), { "data-op": "recode" }),
    ),
  ];
}

const dissolveButton = ({ unit_id: unit }) => button(t("planner.op.dissolve"), () => draw("dissolve", { unit }), { "data-op": "dissolve", disabled: isBusy() });

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
