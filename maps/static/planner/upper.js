// Units that stand above the drawn ones: they are chosen from the table or by searching, and shown by the units that they hold.
import { chosen, units } from "./ground.js";
import { calm } from "./message.js";
import { current, onWork } from "./work.js";

const listeners = new Set();
let held = []; // as the service lists them
let stand = "";

export const upperUnits = () => held;
export const onUpper = (listener) => listeners.add(listener);

/** These in place of what was chosen. */
export function chooseUpper(wanted) {
  if (held.length === 0 && wanted.length === 0) return;
  if (wanted.length) calm();
  held = wanted;
  stand = standing();
  drawUpper();
  for (const listener of listeners) listener();
}

/** One more or one less; of one level alone. */
export function toggleUpper(unit) {
  const rest = held.filter((each) => each.unit_id !== unit.unit_id && each.level === unit.level);
  chooseUpper(rest.length < held.filter((each) => each.level === unit.level).length ? rest : [...rest, unit]);
}

/** The units of the map right below those chosen. */
function drawUpper() {
  const ids = new Set(held.map((each) => each.unit_id));
  const source = chosen.getSource();
  source.clear(true);
  if (ids.size) source.addFeatures(units.getSource().getFeatures().filter((each) => ids.has(each.get("parent"))).map((each) => new ol.Feature(each.getGeometry())));
}

const standing = () => JSON.stringify([current()?.id, current()?.operations.map((each) => [each.seq, each.undone, each.at])]);

onWork((what) => {
  if (held.length === 0) return;
  if (what === "plan" && standing() !== stand) chooseUpper([]); // names and codes may be others now
  else if (what === "units") drawUpper();
});
