// Before and after: the figures of every unit that the plan changes, beside the map.
import { at, el } from "../wall/dom.js";
import { count } from "../format.js";
import { t } from "../words.js";
import { choose, unitOf } from "./choose.js";
import { fit } from "./ground.js";
import { trying } from "./message.js";
import { current, onWork, readAffected } from "./work.js";

let asked = "";

export function startCompare() {
  onWork((what) => what === "plan" && trying(show));
}

async function show() {
  const plan = current();
  const key = plan && `${plan.id} ${plan.state} ${plan.operations.map((each) => `${each.seq}${each.undone}`)}`;
  if (key === asked) return;
  asked = key;
  if (plan === null || !plan.operations.some((each) => !each.undone)) {
    at("compare").replaceChildren();
    return;
  }
  const { units } = await readAffected();
  if (asked !== key) return;
  at("compare").replaceChildren(el("h2", {}, t("planner.compare.title")), totals(units), table(units));
}

const number = (value, digits = 0) => (value === null || value === undefined ? "–" : digits ? value.toFixed(digits) : count(value));
const hectares = (size) => (size ? size.area_m2 / 10_000 : null);

function totals(units) {
  const sides = ["was", "will_be"].map((side) => units.map((each) => each[side]).filter(Boolean));
  const spread = (those) => {
    const known = those.map((each) => each.households).filter((each) => each !== null);
    if (!known.length) return null;
    const mean = known.reduce((sum, each) => sum + each, 0) / known.length;
    return mean ? Math.max(...known.map((each) => Math.abs(each - mean))) / mean : null;
  };
  const [before, after] = sides.map((those) => ({ units: those.length, spread: spread(those) }));
  const percent = (value) => (value === null ? "–" : `${(100 * value).toFixed(0)}${t("unit.percent")}`);
  const pair = (label, one, other) => el("div", {}, el("dt", {}, label), el("dd", { class: "number" }, `${one} → ${other}`));
  return el(
    "dl",
    { class: "totals" },
    pair(t("planner.compare.units"), before.units, after.units),
    pair(t("planner.compare.spread"), percent(before.spread), percent(after.spread)),
  );
}

function table(units) {
  const heads = ["unit", "households", "hectares", "compactness"];
  return el(
    "table",
    { class: "compare" },
    el("caption", { class: "sr" }, t("planner.compare.caption")),
    el("thead", {}, el("tr", {}, ...heads.map((key) => el("th", { scope: "col", class: key === "unit" ? null : "right" }, t(`planner.compare.${key}`))))),
    el("tbody", {}, ...units.map(lineOf)),
  );
}

function lineOf(each) {
  const change = each.was === null ? "born" : each.will_be === null ? "gone" : "changed";
  const pair = (pick, digits) => {
    const [one, other] = [pick(each.was), pick(each.will_be)];
    const shown = number(one, digits) === number(other, digits) ? number(one, digits) : `${number(one, digits)} → ${number(other, digits)}`;
    return el("td", { class: "number right" }, shown);
  };
  const look = () => {
    const unit = unitOf(each.unit_id);
    if (!unit) return;
    choose([each.unit_id]);
    fit(unit.getGeometry().getExtent(), { padding: 96 });
  };
  const renamed = each.was_name !== null && each.was_name !== each.name ? el("span", { class: "muted small" }, each.was_name) : null;
  return el(
    "tr",
    { "data-change": change },
    el("th", { scope: "row" }, el("button", { type: "button", class: "plain name", onclick: look }, each.name), el("span", { class: "muted small number" }, each.code), el("span", { class: "chip", "data-change": change }, t(`planner.change.${change}`)), renamed),
    pair((size) => size && size.households),
    pair(hectares, 2),
    pair((size) => size && size.compactness, 2),
  );
}
