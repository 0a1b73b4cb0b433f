// Suggestions: a parent's ground in even parts, as alternatives to look at; one is adopted as one operation.
import { send } from "../door.js";
import { el } from "../wall/dom.js";
import { metres } from "../format.js";
import { refusal, t } from "../words.js";
import { findAbove, unitRow } from "./find.js";
import { form, input, row, select, submit, button } from "./forms.js";
import { fit, readFeatures, sketch } from "./ground.js";
import { trying } from "./message.js";
import { tellDone } from "./tools.js";
import { current, firstParent, operate } from "./work.js";

let seed = 1;

export function suggestForm() {
  const result = el("div", { id: "suggested", role: "status" });
  const ask = (values) =>
    trying(async () => {
      const wanted = { parent: values.parent, count: Number(values.count), by: values.by, seed: seed++ };
      show(result, await send(`/v1/plans/${current().id}/suggestions`, wanted));
    });
  return el(
    "div",
    {},
    form(
      { class: "act", id: "suggest" },
      ask,
      el("h2", {}, t("planner.suggest.title")),
      unitRow(t("planner.suggest.parent"), { name: "parent", ask: findAbove, chosen: firstParent() }),
      el(
        "div",
        { class: "pair" },
        row(t("planner.even.count"), input("count", { type: "number", min: 2, max: 200, value: 3, required: true })),
        row(t("planner.even.by"), select("by", ["households", "area", "cases", "workload"].map((by) => [by, t(`planner.even.${by}`)]))),
      ),
      submit(t("planner.suggest.submit")),
    ),
    result,
  );
}

const percent = (share) => `${(100 * share).toFixed(1)}${t("unit.percent")}`;

function show(result, answer) {
  result.replaceChildren(
    ...answer.unmet.map((each) => el("p", { class: "warning" }, refusal(each) ?? each.text)),
    el(
      "ol",
      { class: "log" },
      ...answer.alternatives.map((each, place) =>
        el(
          "li",
          {},
          el("span", { class: "number" }, String(place + 1)),
          el("span", { class: "number" }, t("planner.suggest.figures", { deviation: percent(each.balance.max_deviation), moved: percent(each.households_moved_share), streets: percent(each.on_streets), borders: metres(each.inner_borders_m) })),
          el(
            "span",
            { class: "buttons" },
            button(t("planner.suggest.look"), () => look(each), { "aria-label": `${t("planner.suggest.look")} ${place + 1}` }),
            button(t("planner.suggest.adopt"), () => trying(async () => adopt(each)), { class: "main", "aria-label": `${t("planner.suggest.adopt")} ${place + 1}` }),
          ),
        ),
      ),
    ),
  );
  if (answer.alternatives.length) look(answer.alternatives[0]);
}

function look(each) {
  const source = sketch.getSource();
  source.clear(true);
  source.addFeatures(readFeatures(each.parts));
  fit(source.getExtent());
}

async function adopt(each) {
  sketch.getSource().clear(true);
  tellDone(each.operation.op, await operate(each.operation.op, each.operation.args));
}
