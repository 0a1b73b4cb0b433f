// Who looked at one's movement.
import { get } from "../door.js";
import { stamp } from "../format.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";

export async function showLooks() {
  const looks = await get("/v1/me/looks?limit=50");
  at("looks").hidden = false;
  const none = el("li", { class: "muted" }, t("m.looks.none"));
  at("looks-list").replaceChildren(...(looks.length ? looks.map(lookRow) : [none]));
}

function lookRow(look) {
  const kind = look.of_unit ? t("m.looks.unit") : t(`look.${look.what}`);
  const what = look.why && look.why !== "wall" ? `${kind} · ${look.why}` : kind;
  return el("li", {}, el("strong", {}, look.who), el("time", { datetime: look.at }, stamp(look.at)), el("span", {}, what));
}
