// The cases assigned to this person: acknowledged with one tap, then the steps the flow allows.
import { get, send } from "../door.js";
import { category, moment } from "../format.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";

/** What a worker does with a case, in this order; other steps are for the desk. */
const STEPS = ["handle", "send_back", "escalate", "note"];
const NOTE_NEEDED = new Set(["send_back", "escalate", "note"]);

const shown = new Map(); // number → { seq, row }
let attempt = null;
let reread = null;

/** `guard(act)` runs what may fail and tells the person; `again()` reads everything anew after a step. */
export function startCases(guard, again) {
  [attempt, reread] = [guard, again];
}

/** `assigned`: of /v1/me/tasks. A case that has not moved keeps its row, with what is being written in it. */
export async function showCases(assigned) {
  const cases = assigned.filter((one) => one.state === "assigned"); // handled, it waits for others
  at("cases").hidden = false;
  const rows = await Promise.all(cases.map(rowOf));
  const kept = new Set(cases.map((one) => one.number));
  for (const number of shown.keys()) if (!kept.has(number)) shown.delete(number);
  const list = at("cases-list");
  const none = el("li", { class: "muted" }, t("m.cases.none"));
  const wanted = rows.length ? rows : [none];
  if (wanted.length !== list.children.length || wanted.some((row, index) => list.children[index] !== row)) list.replaceChildren(...wanted);
  const text = t("m.cases.count", { count: cases.length });
  if (at("cases-count").textContent !== text) at("cases-count").textContent = text;
}

async function rowOf({ number, seq }) {
  const known = shown.get(number);
  if (known?.seq === seq) return known.row;
  const one = await get(`/v1/cases/${encodeURIComponent(number)}`);
  const row = makeRow(one);
  shown.set(number, { seq: one.seq, row });
  return row;
}

function makeRow(one) {
  const known = one.acknowledged_at;
  const where = one.places[0]?.units[0]?.name ?? "";
  const facts = [one.number, moment(one.occurred_at), where].filter(Boolean).join(" · ");
  const row = el("li", { class: "case", "data-known": known ? "yes" : "no", "data-number": one.number });
  row.append(
    el("h3", {}, category(one.category), el("span", { class: "chip" }, known ? t("m.case.known", { time: moment(known) }) : t("m.case.new"))),
    el("p", { class: "muted small" }, facts),
    el("p", { class: "words" }, one.description || ""),
    steps(one),
  );
  return row;
}

function steps(one) {
  const box = el("div", { class: "steps" });
  const buttons = STEPS.filter((kind) => one.possible.includes(kind)).map((kind) =>
    el("button", { type: "button", class: kind === "handle" && one.acknowledged_at ? "main" : null, onclick: () => box.replaceChildren(form(one, kind, box)) }, t(`step.${kind}`)),
  );
  const tap = el("button", { type: "button", class: "main wide", onclick: ({ currentTarget }) => take(one, "acknowledge", "", currentTarget) }, t("m.case.acknowledge"));
  box.append(...(one.possible.includes("acknowledge") ? [tap] : []), ...buttons);
  return box;
}

/** The words that go with a step; sent with the event's number, so that nothing happens twice. */
function form(one, kind, box) {
  const needed = NOTE_NEEDED.has(kind);
  const id = `note-${one.number}`;
  const words = el("textarea", { id, rows: 3, maxlength: 2000, required: needed });
  const back = el("button", { type: "button", onclick: () => box.replaceWith(steps(one)) }, t("cancel"));
  const go = el("button", { type: "submit", class: "main" }, t(`step.${kind}`));
  const label = el("label", { for: id }, t(needed ? "m.case.note" : "m.case.note_if"));
  const made = el("form", {}, label, words, el("div", { class: "pair" }, go, back));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    take(one, kind, words.value.trim(), go);
  });
  queueMicrotask(() => words.focus());
  return made;
}

async function take(one, kind, note, button) {
  button.disabled = true;
  await attempt(async () => {
    try {
      await send(`/v1/cases/${encodeURIComponent(one.number)}/events`, { kind, after_seq: one.seq, note });
    } finally {
      button.disabled = false;
      await reread();
    }
  });
}
