// The side panel: figures of the unit, and the table that mirrors the map.
import { age, clock, count, share } from "../format.js";
import { drawMark } from "../map/dots.js";
import { t } from "../words.js";
import { at, el } from "./dom.js";
import { byNeed } from "./people.js";

const MOST_ROWS = 300;

/** `figures` of `figuresOf`, with `openCases` (null: may not be seen) and `movement`; `asOf` of the feed, null before it spoke. */
export function showFigures(figures, asOf) {
  const { onShift, heard, moving, silent, openCases, movement } = figures;
  const of = (key, part, whole) => t(key, { share: share(part, whole), total: count(whole) });
  const items = movement
    ? [
        ["wall.on_shift", onShift, "\u00a0"],
        ["wall.heard", heard, of("wall.of_on_shift", heard, onShift)],
        ["wall.moving", moving, of("wall.of_heard", moving, heard)],
        ["wall.silent", silent, of("wall.of_on_shift", silent, onShift)],
      ]
    : [];
  if (openCases !== null) items.push(["wall.open_cases", openCases, ""]);
  at("figures").replaceChildren(...items.map((item) => figure(...item)));
  at("as-of").textContent = asOf ? t("wall.as_of", { time: clock(asOf) }) : "";
}

function figure(key, value, denominator) {
  const unit = el("small", {}, t(key === "wall.open_cases" ? "wall.cases_unit" : "wall.people_unit"));
  const of = denominator ? [el("dd", { class: "of" }, denominator)] : [];
  return el("div", { title: t(`${key}.note`) }, el("dt", {}, t(key)), el("dd", { class: "big" }, count(value), unit), ...of);
}

const shown = { table: null, rows: new Map() };

/**
 * The child units. `children`: [{ key, name, onShift, moving, cases }]; `act.open(key)`, `act.point(key|null)`.
 * A repeated call with the same units only changes the numbers, so that the focus stays where it is.
 */
export function showUnits(children, { withPeople, withCases, levelName }, act) {
  const listed = children.slice(0, MOST_ROWS);
  const head = [levelName || t("wall.unit"), withPeople && t("wall.on_shift"), withPeople && t("wall.moving"), withCases && t("wall.cases")];
  const rows = listed.map((child) => ({
    key: child.key,
    label: t("wall.open", { name: child.name }),
    name: child.name,
    numbers: [withPeople && child.onShift, withPeople && child.moving, withCases && child.cases],
  }));
  const note = children.length ? more(children.length) : t("wall.units.none");
  fill(head.filter((text) => text !== false), rows, note, act);
}

/** The people of the unit, those who need a look first. */
export function showPeople(people, selected, act) {
  const listed = [...people].sort(byNeed).slice(0, MOST_ROWS);
  const rows = listed.map((dot) => ({
    key: dot.code,
    label: t("wall.select", { name: dot.name }),
    name: dot.name,
    mark: dot.state,
    selected: dot.code === selected,
    texts: [t(`state.${dot.state}`), dot.heard_at ? age((Date.now() - Date.parse(dot.heard_at)) / 1000) : "–"],
  }));
  const note = people.length ? more(people.length) : t("wall.people.none");
  fill([t("wall.person"), t("wall.state"), t("wall.age")], rows, note, act);
}

const more = (total) => (total > MOST_ROWS ? t("wall.people.more", { count: total - MOST_ROWS }) : "");

function fill(head, rows, note, act) {
  const keys = JSON.stringify([head, rows.map((row) => row.key), note]);
  if (shown.keys === keys) {
    for (const row of rows) refresh(shown.rows.get(row.key), row);
    return;
  }
  const focused = document.activeElement?.closest?.("#rows tr")?.dataset.key;
  shown.keys = keys;
  shown.rows = new Map(rows.map((row, index) => [row.key, makeRow(row, index, act)]));
  const table = el(
    "table",
    {},
    el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, ...shown.rows.values()),
  );
  at("rows").replaceChildren(...(rows.length ? [table] : []), ...(note ? [el("p", { class: "note" }, note)] : []));
  if (focused && shown.rows.has(focused)) focusRow(shown.rows.get(focused));
}

function makeRow(row, index, act) {
  const button = el("button", { type: "button", class: "open", tabindex: index === 0 ? 0 : -1, title: row.label }, el("span", {}, row.name));
  const line = el("tr", { "data-key": row.key }, el("th", { scope: "row" }, button));
  line.addEventListener("click", () => act.open(row.key));
  line.addEventListener("pointerenter", () => act.point(row.key));
  line.addEventListener("pointerleave", () => act.point(null));
  button.addEventListener("focus", () => act.point(row.key));
  button.addEventListener("blur", () => act.point(null));
  for (const _cell of row.numbers?.filter((value) => value !== false) ?? row.texts) line.append(el("td", {}));
  if (row.mark) line.firstChild.firstChild.prepend(el("i", { class: "mark" }));
  refresh(line, row);
  return line;
}

function refresh(line, row) {
  const cells = [...line.querySelectorAll("td")];
  const values = row.numbers?.filter((value) => value !== false) ?? row.texts;
  values.forEach((value, index) => {
    const text = typeof value === "number" ? count(value) : value;
    if (cells[index].textContent !== text) cells[index].textContent = text;
    cells[index].classList.toggle("nil", value === 0);
  });
  if (row.mark && line.dataset.mark !== row.mark) {
    line.dataset.mark = row.mark;
    line.querySelector(".mark").replaceChildren(drawMark(row.mark, 4.5));
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
  if (!rows.length || !["ArrowDown", "ArrowUp", "Home", "End"].includes(key)) return false;
  const current = rows.indexOf(document.activeElement?.closest?.("#rows tr"));
  const to = { ArrowDown: current + 1, ArrowUp: current < 0 ? rows.length - 1 : current - 1, Home: 0, End: rows.length - 1 }[key];
  focusRow(rows[Math.min(rows.length - 1, Math.max(0, to))]);
  return true;
}

/** The path to where we are; each step above can be chosen. `steps`: [{ name, open }]. */
export function showCrumbs(steps) {
  at("crumbs").replaceChildren(
    ...steps.map((step, index) =>
      el(
        "li",
        {},
        index === steps.length - 1
          ? el("span", { "aria-current": "location" }, step.name)
          : el("button", { type: "button", onclick: step.open }, step.name),
      ),
    ),
  );
}
