// Which unit goes on after a split or a merge: by the rule, or as somebody says.
import { el } from "../wall/dom.js";
import { t } from "../words.js";
import { form, row, select } from "./forms.js";

const SPLIT = ["keep", "new"];
let ofSplit = "keep";

/** What a line that is drawn to split does with the unit's identity. */
export const splitIdentity = () => ofSplit;

const options = () => SPLIT.map((each) => [each, t(`planner.identity.${each}`)]);

export const identityRow = () => row(t("planner.merge.identity"), select("identity", options()));

/** Beside the pen of the split tool. */
export function splitForm() {
  const field = select("identity", options(), ofSplit);
  field.addEventListener("change", () => (ofSplit = field.value));
  return form({ class: "act", id: "split-form", "aria-label": t("planner.op.split_by_line") }, () => undefined, el("h2", {}, t("planner.op.split_by_line")), row(t("planner.merge.identity"), field));
}

/** Which of the merged units goes on: the one with most households, one of them, or a new one. */
export function survivorRow(units) {
  const each = units.map((unit) => [unit.unit_id, t("planner.merge.this", { unit: unit.name === unit.code ? unit.code : `${unit.code} ${unit.name}` })]);
  return row(t("planner.merge.identity"), select("identity", [["keep", t("planner.merge.keep")], ...each, ["new", t("planner.merge.new")]]));
}

/** As the operation takes it. */
export const survivorOf = (chosen) => (SPLIT.includes(chosen) ? { identity: chosen } : { identity: "keep", keeper: chosen });
