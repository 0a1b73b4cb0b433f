// Who looked at one's movement.
import { get } from "../door.js";
import { day, minute, stamp } from "../format.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";

export async function showLooks() {
  const looks = await get("/v1/me/looks?limit=50");
  at("looks").hidden = false;
  const none = el("li", { class: "muted" }, t("m.looks.none"));
  at("looks-list").replaceChildren(...(looks.length ? fold(looks).map(lookRow) : [none]));
}

/** The same look again and again, the newest first, is one row that says how often: a screen that is opened often fills no list. */
function fold(looks) {
  const rows = [];
  for (const look of looks) {
    const last = rows.at(-1);
    const same = last && ["who", "what", "why", "of_unit"].every((key) => last[key] === look[key]) && day(last.at) === day(look.at);
    if (same) Object.assign(last, { since: look.at, times: last.times + 1 });
    else rows.push({ ...look, since: look.at, times: 1 });
  }
  return rows;
}

/** Why, in the page's language where the service itself wrote it. */
const WHY = [
  [/^coverage of (\S+)$/, "look.why.day"],
  [/^coverage by person (\S+)$/, "look.why.people"],
  [/^proof of coverage (\S+)$/, "look.why.proof"],
  [/^responses (.+)$/, "look.why.responses"],
  [/^coverage (?:xlsx|pdf|csv|geojson|daily) (.+)$/, "look.why.report"],
];

function tellWhy(why) {
  for (const [form, key] of WHY) {
    const found = form.exec(why);
    if (found) return t(key, { on: found[1] });
  }
  return why;
}

function lookRow(look) {
  const kind = look.of_unit ? t("m.looks.unit") : t(`look.${look.what}`);
  const what = look.why && look.why !== "wall" ? `${kind} · ${tellWhy(look.why)}` : kind;
  const when = look.times > 1 && minute(look.since) !== minute(look.at) ? `${stamp(look.since)}–${minute(look.at)}` : stamp(look.at);
  const often = look.times > 1 ? ` · ${t("m.looks.times", { n: look.times })}` : "";
  return el("li", {}, el("strong", {}, look.who), el("time", { datetime: look.at }, when), el("span", {}, what + often));
}
