// A plan's way: what was done when by whom, and what may be done next.
import { el } from "../wall/dom.js";
import { count, stamp } from "../format.js";
import { t } from "../words.js";
import { button, form, input, instantOf, localOf, row, submit } from "./forms.js";
import { showHandover, undecidedNow } from "./handover.js";
import { say, trying } from "./message.js";
import { stateChip } from "./plans.js";
import { go } from "./state.js";
import { current, openPlan, publish, step, takeBack } from "./work.js";

/** `again()` shows them anew, once it is known what else has to be decided before. */
export function showSteps(again) {
  const plan = current();
  if (plan.steps_open.includes("publish")) showHandover(again);
  return [
    plan.steps.length ? wayOf(plan) : el("p", { class: "muted" }, t("planner.steps.none")),
    ...nextOf(plan),
  ];
}

function wayOf(plan) {
  return el(
    "ol",
    { class: "way" },
    ...plan.steps.map((each) =>
      el(
        "li",
        {},
        el("div", { class: "title" }, el("strong", {}, t(`planner.step.${each.step}`)), stateChip(each.state)),
        el("p", { class: "muted small" }, `${each.by} · ${stamp(each.at)}`),
        each.comment ? el("blockquote", {}, each.comment) : null,
      ),
    ),
  );
}

function nextOf(plan) {
  const open = plan.steps_open;
  if (open.length === 0) return [el("p", { class: "muted" }, t("planner.steps.waiting"))];
  const parts = [];
  const plain = open.filter((name) => !ELSEWHERE.includes(name));
  if (plain.length) parts.push(plainForm(plain));
  if (open.includes("publish")) parts.push(publishForm());
  if (open.includes("take_back")) parts.push(takeBackForm());
  return parts;
}

/** These have forms of their own; a rebase is offered where the plan says that it needs one. */
const ELSEWHERE = ["publish", "take_back", "rebase"];
const HEAVY = { approve: true, submit: true, check: true };

function plainForm(names) {
  const comment = el("textarea", { name: "comment", rows: 3, maxlength: 2000, id: "step-comment" });
  const take = (name) =>
    trying(async () => {
      await step(name, comment.value);
      say(t("planner.step.done", { step: t(`planner.step.${name}`) }));
    });
  return el(
    "div",
    { class: "act" },
    row(t("planner.comment"), comment),
    el("div", { class: "buttons" }, ...names.map((name) => button(t(`planner.step.${name}`), () => take(name), { class: HEAVY[name] ? "main" : null, "data-step": name }))),
  );
}

function publishForm() {
  const left = undecidedNow();
  return form(
    { class: "act", id: "publish" },
    (values) =>
      trying(async () => {
        const made = await publish(values.at ? instantOf(values.at) : null, values.reason);
        say(t("planner.published", { seq: made.seq, sha: made.sha256.slice(0, 12) }), { keep: true });
      }),
    el("h3", {}, t("planner.publish.title")),
    left ? el("p", { class: "warning" }, t("planner.publish.handover", { n: count(left) }), " ", button(t("planner.tab.handover"), () => go({ tab: "handover" }))) : null,
    row(t("planner.publish.at"), input("at", { type: "datetime-local", step: 1, max: "9999-12-31T23:59:59", "data-now": localOf(Date.now()) })),
    el("p", { class: "muted small" }, t("planner.publish.hint")),
    row(t("planner.publish.reason"), input("reason", { maxlength: 2000 })),
    submit(t("planner.publish.submit"), { class: "main", "data-step": "publish", disabled: Boolean(left) }),
  );
}

function takeBackForm() {
  return form(
    { class: "act", id: "take-back" },
    (values) =>
      trying(async () => {
        const back = await takeBack(values.reason);
        await openPlan(back.id);
        say(t("planner.taken_back"));
      }),
    row(t("planner.take_back.reason"), input("reason", { required: true, maxlength: 2000 })),
    submit(t("planner.take_back.submit"), { "data-step": "take_back" }),
  );
}
