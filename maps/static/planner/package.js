// The plan as a GeoPackage for desktop programs, and what such a file has different when it comes back.
import { upload } from "../door.js";
import { el } from "../wall/dom.js";
import { t } from "../words.js";
import { unitOf } from "./choose.js";
import { button, row } from "./forms.js";
import { fit, readFeature, sketch } from "./ground.js";
import { say, trying } from "./message.js";
import { tellDone } from "./tools.js";
import { current, operate } from "./work.js";

const GEOPACKAGE = "application/geopackage+sqlite3";

let offered = { plan: null, differences: [] };

export function packagePart() {
  const plan = current();
  if (offered.plan !== plan.id) offered = { plan: plan.id, differences: [] };
  const path = `/v1/plans/${plan.id}/file`;
  const list = el("ul", { class: "findings", id: "differences" }, ...offered.differences.map(lineOf));
  const field = el("input", { type: "file", accept: ".gpkg" });
  field.addEventListener("change", () =>
    trying(async () => {
      if (field.files.length === 0) return;
      const { differences } = await upload(path, field.files[0], GEOPACKAGE);
      say(t("planner.file.differences", { n: differences.length }));
      offered.differences = differences;
      list.replaceChildren(...differences.map(lineOf));
    }),
  );
  return el(
    "div",
    { class: "act" },
    el("h2", {}, t("planner.file.title")),
    el("a", { class: "button", href: path, download: "" }, t("planner.file.get")),
    ...(plan.may_edit ? [row(t("planner.file.send"), field), list] : []),
  );
}

function lineOf(each) {
  const unit = unitOf(each.unit_id);
  const settle = () => {
    offered.differences = offered.differences.filter((other) => other !== each);
    line.remove();
  };
  const line = el(
    "li",
    {},
    el("button", { type: "button", class: "plain go", onclick: () => look(each) }, el("strong", {}, t(`planner.file.kind.${each.kind}`)), el("span", {}, unit ? unit.get("code") : each.unit_id)),
    each.after === null ? null : el("p", { class: "small" }, `${each.before ?? "–"} → ${each.after}`),
    el(
      "div",
      { class: "buttons" },
      each.operation === null ? null : button(t("planner.file.accept"), () => trying(async () => {
        offered.differences = offered.differences.filter((other) => other !== each);
        tellDone(each.operation.op, await operate(each.operation.op, each.operation.args));
      }), { class: "main" }),
      button(t("planner.file.refuse"), settle),
    ),
  );
  return line;
}

function look(each) {
  const source = sketch.getSource();
  source.clear(true);
  const geometry = each.where ? readFeature({ type: "Feature", geometry: each.where, properties: {} }).getGeometry() : unitOf(each.unit_id)?.getGeometry();
  if (!geometry) return;
  if (each.where) source.addFeature(new ol.Feature(geometry));
  fit(geometry.getExtent(), { maxZoom: 20, padding: 96 });
}
