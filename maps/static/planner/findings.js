// What is wrong: a list, each zoomed to by a click, and mended by another where an operation would mend it.
import { at, el } from "../wall/dom.js";
import { count, listed } from "../format.js";
import { isEnglish, refusal, t } from "../words.js";
import { findInPlan } from "./find.js";
import { button } from "./forms.js";
import { findings, fit, fromLonLat, readFeature } from "./ground.js";
import { lookAt } from "./listing.js";
import { trying } from "./message.js";
import { check } from "./plans.js";
import { tellDone } from "./tools.js";
import { current, findingsNow, onWork, operate } from "./work.js";

/** Not a place in a unit or on its border: the unit itself. */
const OF_A_WHOLE_UNIT = new Set(["no_responsible", "size", "code_scheme", "duplicate_code", "missing_code", "missing_parent", "cycle"]);

export function startFindings() {
  onWork((what) => {
    if (what === "plan" && current() === null) findings.getSource().clear(true);
    if (what === "findings") drawFindings();
  });
}

function drawFindings() {
  const source = findings.getSource();
  source.clear(true);
  for (const each of findingsNow().features) {
    if (each.geometry === null) continue;
    const whole = OF_A_WHOLE_UNIT.has(each.properties.rule);
    const marked = each.properties.lon !== null;
    if (!whole || !marked) source.addFeature(readFeature(each));
    if (marked) {
      const mark = new ol.Feature(new ol.geom.Point(fromLonLat([each.properties.lon, each.properties.lat])));
      mark.setProperties({ severity: each.properties.severity, whole });
      source.addFeature(mark);
    }
  }
}

export function showFindings() {
  const found = findingsNow();
  const scope = t(found.whole ? "planner.findings.whole" : "planner.findings.last");
  return [
    button(t("planner.check"), check, { class: "main", id: "check-whole" }),
    el("p", { class: "muted small", id: "findings-scope" }, found.features.length ? `${scope} · ${t("planner.findings.count", { errors: count(found.errors), warnings: count(found.warnings) })}` : t(found.whole ? "planner.findings.clean" : "planner.findings.none")),
    el("ul", { class: "findings" }, ...found.features.slice(0, 500).map(lineOf)),
  ];
}

function lineOf(each) {
  const told = each.properties;
  const mend = told.mend && current().may_edit ? button(t("planner.mend", { op: t(`planner.op.${told.mend.op}`) }), () => trying(async () => tellDone(told.mend.op, await operate(told.mend.op, told.mend.args))), { class: "mend", "data-mend": told.mend.op }) : null;
  return el(
    "li",
    { "data-severity": told.severity, "data-rule": told.rule },
    el("button", { type: "button", class: "plain go", onclick: () => zoomTo(each) }, el("strong", {}, t(`planner.rule.${told.rule}`)), el("span", {}, listed(told.units))),
    el("p", { class: "small number" }, refusal(told) ?? (isEnglish ? told.text : measureOf(told))),
    el("p", { class: "muted small" }, refusal({ said: told.advised }) ?? told.fix),
    mend,
  );
}

function measureOf({ measure, measure_unit: unit }) {
  if (measure === null) return "";
  const n = Number(measure.toPrecision(3)).toLocaleString();
  if (unit === "m2") return t("planner.measure.area", { n });
  if (unit === "m") return t("planner.measure.m", { n });
  return unit === "pct" ? t("planner.measure.pct", { n }) : t("planner.measure.of", { n });
}

function zoomTo(each) {
  if (each.geometry !== null) {
    fit(readFeature(each).getGeometry().getExtent(), { maxZoom: 20, padding: 96 });
    return;
  }
  trying(async () => {
    const [code] = each.properties.units;
    const met = code ? (await findInPlan(code)).units.find((unit) => unit.code === code) : null;
    if (met) await lookAt(met);
    at("map").focus();
  });
}
