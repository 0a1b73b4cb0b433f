// The side panel: figures of where we are, and the tables that mirror the map: units, people, cases.
import { age, category, clock, count, share, stamp } from "../format.js";
import { drawCaseMark } from "../map/cases.js";
import { drawMark } from "../map/marks.js";
import { scaleNow } from "../map/theme.js";
import { t } from "../words.js";
import { at, el } from "./dom.js";
import { byNeed, needOf } from "./people.js";
import { fillTable } from "./table.js";

/**
 * `figures` of `figuresOf` and `openCases`, null before they were told; `shows`: { movement, cases }, what may be seen;
 * `asOf` of the feed, null before it spoke.
 */
export function showFigures(figures, shows, asOf) {
  const { onShift, heard, moving, silent, openCases } = figures;
  const of = (key, part, whole) => (whole === null ? "\u00a0" : t(key, { share: share(part, whole), total: count(whole) }));
  const items = shows.movement
    ? [
        ["wall.on_shift", onShift, "\u00a0"],
        ["wall.heard", heard, of("wall.of_on_shift", heard, onShift)],
        ["wall.moving", moving, of("wall.of_heard", moving, heard)],
        ["wall.silent", silent, of("wall.of_on_shift", silent, onShift)],
      ]
    : [];
  if (shows.cases) items.push(["wall.open_cases", openCases, ""]);
  at("figures").replaceChildren(...items.map((item) => figure(...item)));
  at("as-of").textContent = asOf ? t("wall.as_of", { time: clock(asOf) }) : "";
}

function figure(key, value, denominator) {
  const unit = el("small", {}, t(key === "wall.open_cases" ? "wall.cases_unit" : "wall.people_unit"));
  const of = denominator ? [el("dd", { class: "of" }, denominator)] : [];
  return el("div", { title: t(`${key}.note`) }, el("dt", {}, t(key)), el("dd", { class: "big" }, value === null ? "–" : count(value), unit), ...of);
}

const column = (key, word) => ({ key, text: t(word), note: t(`${word}.note`) });

/** The child units. `children`: [{ key, name, onShift, moving, silent, cases }]. */
export function showUnits(children, { withPeople, withCases, levelName }, sort, act) {
  const columns = [{ key: "name", text: levelName || t("wall.unit") }];
  if (withPeople) columns.push(column("on_shift", "wall.on_shift"), column("moving", "wall.moving"), column("silent", "wall.silent"));
  if (withCases) columns.push({ key: "cases", text: t("wall.cases"), note: t("wall.open_cases.note") });
  const rows = children.map((child) => ({
    key: child.key,
    label: t("wall.open", { name: child.name }),
    name: child.name,
    values: [...(withPeople ? [child.onShift, child.moving, child.silent] : []), ...(withCases ? [child.cases] : [])],
  }));
  fillTable({ columns, rows, sort, empty: t("wall.units.none"), act });
}

/** The people of the unit, those who need a look first; null before they were told. */
export function showPeople(people, selected, sort, act) {
  const columns = [{ key: "name", text: t("wall.person") }, { key: "state", text: t("wall.state") }, { key: "age", text: t("wall.age") }];
  const rows = (people ?? []).toSorted(byNeed).map((dot) => {
    const quiet = dot.heard_at ? (Date.now() - Date.parse(dot.heard_at)) / 1000 : Infinity;
    return {
      key: dot.code,
      label: t("wall.select", { name: dot.name }),
      name: dot.name,
      mark: { key: dot.state, draw: () => drawMark(dot.state, 4.5 * scaleNow()) },
      selected: dot.code === selected,
      values: [needOf(dot), quiet],
      texts: [t(`state.${dot.state}`), dot.heard_at ? age(quiet) : "–"],
    };
  });
  fillTable({ columns, rows, sort, empty: t(people ? "wall.people.none" : "live.connecting"), act });
}

/** Open cases of where we are: of `readCases`; null before they were told. */
export function showCases(cases, selected, sort, act) {
  const columns = [{ key: "name", text: t("wall.case") }, { key: "state", text: t("wall.state") }, { key: "age", text: t("wall.age") }];
  const rows = (cases ?? []).map((one) => {
    const old = (Date.now() - Date.parse(one.reported_at)) / 1000;
    return {
      key: one.number,
      label: `${category(one.category)} · ${one.number} · ${stamp(one.reported_at)}`,
      name: category(one.category),
      mark: { key: one.state, draw: () => drawCaseMark(one.state, 16 * scaleNow()) },
      selected: one.number === selected,
      values: [one.rank, old],
      texts: [t(`case.${one.state}`), age(old)],
    };
  });
  fillTable({ columns, rows, sort, empty: t(cases ? "wall.cases.none" : "live.connecting"), act });
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
