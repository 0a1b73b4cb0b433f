// The list of plans, opening a new one, and the head of the open one.
import { get, send } from "../door.js";
import { at, el } from "../wall/dom.js";
import { listed, stamp } from "../format.js";
import { refusal, t } from "../words.js";
import { findInNetwork, unitRow } from "./find.js";
import { button, form, input, row, submit } from "./forms.js";
import { complain, say, trying } from "./message.js";
import { go, now } from "./state.js";
import { checkWhole, current, onWork, rebase } from "./work.js";

let networks = [];
export const setNetworks = (read) => (networks = read);
export const networkOf = (code) => networks.find((each) => each.code === code);

export const stateChip = (state) => el("span", { class: "chip", "data-state": state }, t(`planner.state.${state}`));

export async function showPlans() {
  const network = now().network;
  const read = await get(`/v1/plans?network=${encodeURIComponent(network)}`);
  const opening = read.may_open ? [openingForm(network)] : [];
  at("plans").replaceChildren(
    el("h2", {}, t("planner.plans.title")),
    read.plans.length ? listOf(read.plans) : el("p", { class: "muted" }, t(read.may_open ? "planner.plans.none" : "planner.plans.nothing")),
    ...opening,
  );
}

function listOf(plans) {
  const lines = plans.map((plan) =>
    el(
      "li",
      {},
      el("a", { href: `/planner?network=${encodeURIComponent(plan.network)}&plan=${plan.id}`, onclick: (event) => {
        event.preventDefault();
        go({ plan: String(plan.id), view: null, tab: null, unit: null });
      } }, el("strong", {}, plan.name), stateChip(plan.state)),
      el("p", { class: "muted small" }, `${plan.scope ? plan.scope.name : t("planner.scope.all")} · ${plan.author}${plan.effective_from ? ` · ${stamp(plan.effective_from)}` : ""}`),
    ),
  );
  return el("ul", { class: "plans" }, ...lines);
}

function openingForm(network) {
  return form(
    { class: "act", id: "open-plan" },
    (values) =>
      trying(async () => {
        const made = await send("/v1/plans", { network, name: values.name, unit_id: values.unit || null });
        if (made.overlaps.length) say(t("planner.overlaps", { n: made.overlaps.length, names: listed(made.overlaps.map((each) => each.name)) }), { keep: true });
        go({ plan: String(made.id), view: null, tab: null, unit: null });
      }),
    el("h2", {}, t("planner.open.title")),
    row(t("planner.open.name"), input("name", { required: true, maxlength: 200, placeholder: t("planner.open.name.hint") })),
    unitRow(t("planner.open.scope"), { name: "unit", ask: (text, how) => findInNetwork(text, network, how), optional: document.body.dataset.plansAll === "yes" ? t("planner.open.scope.hint") : "" }),
    submit(t("planner.open.submit"), { class: "main" }),
  );
}

export function startHead() {
  onWork((what) => (what === "plan" || what === "busy") && showHead());
}

function showHead() {
  const plan = current();
  if (plan === null) {
    at("plan-head").replaceChildren();
    return;
  }
  const warnings = [];
  if (plan.overlaps.length) {
    warnings.push(el("p", { class: "warning" }, t("planner.overlaps", { n: plan.overlaps.length, names: listed(plan.overlaps.map((each) => t("planner.overlap", each))) })));
  }
  if (plan.outdated) {
    const mine = plan.steps_open.includes("rebase");
    warnings.push(el("p", { class: "warning" }, t("planner.rebase.needed"), " ", mine ? button(t("planner.rebase"), () => trying(() => rebaseNow([])), { "data-step": "rebase" }) : t("planner.rebase.by_planner")));
  }
  at("plan-head").replaceChildren(
    button(t("planner.back"), () => go({ plan: null, unit: null, tab: null }), { class: "plain back" }),
    el("div", { class: "title" }, el("h2", {}, plan.name), stateChip(plan.state)),
    el("p", { class: "muted small" }, `${plan.scope ? `${plan.scope.code} ${plan.scope.name}` : t("planner.scope.all")} · ${plan.author}${plan.effective_from ? ` · ${t("planner.from", { at: stamp(plan.effective_from) })}` : ""}`),
    ...warnings,
  );
}

/** Draw the plan again on the newest edition; clashes are shown one by one, and each is left out or the whole is left. */
async function rebaseNow(skip) {
  const answer = await rebase(skip);
  if (answer.clash === null) {
    say(t(answer.same ? "planner.rebase.same" : "planner.rebase.other"));
    return;
  }
  const clash = answer.clash;
  complain(t("planner.rebase.clash", { seq: clash.seq, op: t(`planner.op.${clash.op}`), text: refusal(clash) ?? clash.text }));
  at("trouble").append(" ", button(t("planner.rebase.skip", { seq: clash.seq }), () => trying(() => rebaseNow([...skip, clash.seq]))));
}

export const check = () =>
  trying(async () => {
    const read = await checkWhole();
    say(t("planner.checked", { errors: read.errors, warnings: read.warnings }));
    go({ tab: "findings" });
  });
