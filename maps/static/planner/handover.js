// What a plan leaves to be decided on: who holds the open cases of changed units then, and where their people serve.
import { get, send } from "../door.js";
import { at, el } from "../wall/dom.js";
import { category, count } from "../format.js";
import { t } from "../words.js";
import { form, select, submit } from "./forms.js";
import { say, trying } from "./message.js";
import { now } from "./state.js";
import { current } from "./work.js";

let read = null;
let asked = "";
const key = (plan) => `${plan.id} ${plan.state} ${plan.operations.map((each) => `${each.seq}${each.undone}`)}`;
const path = () => `/v1/plans/${current().id}/handover`;

/** How many are left, as far as the lists were read; null before. */
export const undecidedNow = () => (read !== null && current() !== null && asked === key(current()) ? read.undecided : null);

/** The lists, read again when the plan has changed; `shown()` hears when they have come. */
export function showHandover(shown) {
  if (asked !== key(current())) {
    asked = key(current());
    read = null;
    trying(async () => {
      const mine = asked;
      const lists = await get(path());
      if (mine !== asked) return;
      read = lists;
      shown();
    });
  }
  return read === null ? [el("p", { class: "muted" }, t("planner.handover.reading"))] : lists();
}

function lists() {
  const all = [...read.cases, ...read.posts];
  if (all.length === 0) return [el("p", { class: "muted" }, t("planner.handover.nothing"))];
  const open = all.filter((each) => each.done_at === null);
  const state = read.undecided ? t("planner.handover.open", { n: count(read.undecided) }) : t("planner.handover.decided");
  return form(
    { id: "handover", class: "handover" },
    () => trying(confirm),
    el("p", { class: read.undecided ? "warning" : "muted", id: "handover-state" }, state),
    part("cases", read.cases, caseLine),
    part("posts", read.posts, postLine),
    read.may_decide && open.length ? submit(t("planner.handover.confirm", { n: count(open.length) }), { class: "main" }) : null,
  );
}

function part(name, those, lineOf) {
  if (those.length === 0) return null;
  return el("section", {}, el("h3", {}, t(`planner.handover.${name}`, { n: count(those.length) })), el("ul", {}, ...those.map(lineOf)));
}

const nameOf = (unit) => unit.name || unit.code;

function caseLine(each) {
  const options = each.choices.map((unit) => [unit.unit_id, unit.unit_id === each.unit.unit_id ? t("planner.handover.stays", { unit: nameOf(unit) }) : nameOf(unit)]);
  return line(each, `${category(each.category)} · ${each.number}`, t(`case.${each.state}`), { name: `case ${each.number}`, options, chosen: each.decided });
}

function postLine(each) {
  return line(each, `${each.name} · ${each.role}`, each.person, { name: `post ${each.assignment_id}`, options: optionsOf(each), chosen: each.decided?.join(" ") });
}

/** Stay, go to one of the heirs, serve in both, or end. */
function optionsOf({ unit, choices }) {
  const heirs = choices.filter((each) => each.unit_id !== unit.unit_id);
  const stays = heirs.length < choices.length;
  const both = stays ? heirs.map((each) => [`${unit.unit_id} ${each.unit_id}`, t("planner.handover.both", { unit: nameOf(each) })]) : [];
  return [...(stays ? [[unit.unit_id, t("planner.handover.stays", { unit: nameOf(unit) })]] : []), ...heirs.map((each) => [each.unit_id, t("planner.handover.goes", { unit: nameOf(each) })]), ...both, ["", t("planner.handover.ends")]];
}

function line(each, what, detail, { name, options, chosen }) {
  const field = select(name, options, chosen ?? options[0][0]);
  field.setAttribute("aria-label", `${what}: ${t("planner.handover.then")}`);
  field.disabled = !read.may_decide || each.done_at !== null;
  const told = each.done_at !== null ? t("planner.handover.done", { by: each.by }) : each.by ? t("planner.handover.by", { by: each.by }) : "";
  return el(
    "li",
    { "data-decided": String(each.by !== null) },
    el("div", { class: "title" }, el("strong", { class: "number" }, what), el("span", { class: "muted small" }, detail)),
    el("p", { class: "muted small" }, t("planner.handover.from", { unit: nameOf(each.unit) }), told ? ` · ${told}` : ""),
    field,
  );
}

async function confirm() {
  const values = new FormData(at("handover"));
  const wanted = { cases: [], posts: [] };
  for (const each of read.cases.filter((one) => one.done_at === null)) wanted.cases.push({ number: each.number, unit_id: values.get(`case ${each.number}`) });
  for (const each of read.posts.filter((one) => one.done_at === null)) {
    wanted.posts.push({ assignment_id: each.assignment_id, unit_ids: values.get(`post ${each.assignment_id}`).split(" ").filter(Boolean) });
  }
  read = await send(path(), wanted, "PUT");
  say(t("planner.handover.confirmed", { n: count(wanted.cases.length + wanted.posts.length) }));
  if (now().tab === "handover") at("tab-body").replaceChildren(lists());
}
