// The table of the side panel: what the map shows, in rows that sort, keep the focus and answer to the arrow keys.
import { count } from "../format.js";
import { t } from "../words.js";
import { at, el } from "./dom.js";

const MOST_ROWS = 300;
const shown = { shape: null, rows: new Map() };

/**
 * `columns`: [{ key, text, note }], the first of the names. `rows`: [{ key, name, label, values, texts?, mark?, selected? }]:
 * `values` by column after the name, to sort by, null where not told; `texts` where they read differently; `mark`: { key, draw }.
 * `sort`: "column" or "-column" (falling), null as they come. `act`: { open(key), point(key|null), sort(sort) }.
 * A call with the same rows in the same order only changes the cells, so that the focus stays.
 */
export function fillTable({ columns, rows, sort, empty, act }) {
  const listed = sorted(rows, columns, sort).slice(0, MOST_ROWS);
  const note = rows.length > MOST_ROWS ? t("wall.people.more", { count: count(rows.length - MOST_ROWS) }) : rows.length ? "" : empty;
  const shape = JSON.stringify([columns.map((column) => column.text), sort, listed.map((row) => row.key), note]);
  if (shape !== shown.shape) lay(columns, listed, { sort, note, act });
  shown.shape = shape;
  for (const row of listed) refresh(shown.rows.get(row.key), row);
}

function sorted(rows, columns, sort) {
  const falls = sort?.startsWith("-");
  const index = columns.findIndex((column) => column.key === (falls ? sort.slice(1) : sort));
  if (index < 0) return rows;
  const valueOf = (row) => (index ? row.values[index - 1] : row.name);
  const compare = (one, other) => (typeof one === "string" ? one.localeCompare(other, "zh") : one - other);
  const turned = falls ? -1 : 1;
  return [...rows].sort((one, other) => turned * compare(valueOf(one), valueOf(other)));
}

function lay(columns, rows, { sort, note, act }) {
  const focused = at("rows").contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.closest("tr")?.dataset.key;
  const column = focused?.closest("th[data-column]")?.dataset.column;
  const made = rows.map((row, index) => [row.key, makeRow(row, index, act)]);
  shown.rows = new Map(made);
  const head = el("thead", {}, el("tr", {}, ...columns.map((each, index) => headCell(each, index, sort, act))));
  const table = el("table", {}, head, el("tbody", {}, ...shown.rows.values()));
  at("rows").replaceChildren(...(rows.length ? [table] : []), ...(note ? [el("p", { class: "note" }, note)] : []));
  if (column) at("rows").querySelector(`th[data-column="${column}"] button`)?.focus();
  else if (key && shown.rows.has(key)) focusRow(shown.rows.get(key));
}

/** Numbers begin with the greatest, names with the first; a second click turns the order round, a third ends it. */
function headCell({ key, text, note }, index, sort, act) {
  const [first, second] = index ? [`-${key}`, key] : [key, `-${key}`];
  const next = sort === first ? second : sort === second ? null : first;
  const order = sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
  const button = el("button", { type: "button", title: note ?? null, onclick: () => act.sort(next) }, text);
  return el("th", { scope: "col", "aria-sort": order, "data-column": key }, button);
}

function makeRow(row, index, act) {
  const button = el("button", { type: "button", class: "open", tabindex: index === 0 ? 0 : -1, title: row.label }, el("span", {}, row.name));
  if (row.mark) button.prepend(el("i", { class: "mark" }));
  const line = el("tr", { "data-key": row.key }, el("th", { scope: "row" }, button), ...row.values.map(() => el("td", {})));
  line.addEventListener("click", () => act.open(row.key));
  line.addEventListener("pointerenter", () => act.point(row.key));
  line.addEventListener("pointerleave", () => act.point(null));
  button.addEventListener("focus", () => act.point(row.key));
  button.addEventListener("blur", () => act.point(null));
  return line;
}

function refresh(line, row) {
  const cells = line.querySelectorAll("td");
  (row.texts ?? row.values).forEach((value, index) => {
    const text = typeof value === "number" ? count(value) : (value ?? "–");
    if (cells[index].textContent !== text) cells[index].textContent = text;
    cells[index].classList.toggle("nil", value === 0);
  });
  if (row.mark && line.dataset.mark !== row.mark.key) {
    line.dataset.mark = row.mark.key;
    line.querySelector(".mark").replaceChildren(row.mark.draw());
  }
  line.classList.toggle("chosen", Boolean(row.selected));
}

/** Mark the row of the unit under the pointer on the map. */
export function pointRow(key) {
  for (const [each, row] of shown.rows) row.classList.toggle("pointed", each === key);
}

function focusRow(row) {
  for (const other of shown.rows.values()) other.querySelector("button").tabIndex = -1;
  const button = row.querySelector("button");
  button.tabIndex = 0;
  button.focus();
}

/** Arrow keys go from row to row; true when the key was one of ours. */
export function moveInRows(key) {
  const rows = [...shown.rows.values()];
  const elsewhere = document.activeElement?.closest?.("#alerts, #detail, dialog");
  if (!rows.length || elsewhere || !["ArrowDown", "ArrowUp", "Home", "End"].includes(key)) return false;
  const current = rows.indexOf(document.activeElement?.closest?.("#rows tr"));
  const to = { ArrowDown: current + 1, ArrowUp: current < 0 ? rows.length - 1 : current - 1, Home: 0, End: rows.length - 1 }[key];
  focusRow(rows[Math.min(rows.length - 1, Math.max(0, to))]);
  return true;
}
