// One person's day: a band of what the time was, tied to the map, with the same figures the person sees.
import { get } from "../door.js";
import { stamp } from "../format.js";
import { readTrail } from "../map/read_trail.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";
import { makeBand, makeShares, makeTimes, makeWays, tellStretch } from "./band.js";
import { noteItem } from "./lists.js";
import { drawTrail } from "./map.js";
import { listOwnResponses, marksOf } from "./responses.js";
import { go } from "./state.js";
import { cutTrail, readStretch, writeStretch } from "./stretch.js";

let known = { key: null };

/** To be read anew: an answer changed it. */
export function forgetPerson() {
  known = { key: null };
}

/** Each look at somebody is written down, so a day is read once and not at every click. */
async function readDay(person, on) {
  const key = `${person} ${on}`;
  if (known.key === key) return known;
  const query = new URLSearchParams({ on });
  const code = encodeURIComponent(person);
  const day = await get(`/v1/people/${code}/coverage?${query}`);
  const [sent, trail] = await Promise.all([get(`/v1/people/${code}/responses?${query}`), day.proven ? readTrail(person, day.on, `coverage of ${day.on}`).catch(() => null) : null]);
  return (known = { key, day, sent, trail });
}

export async function showPerson({ person, on, part }, answer) {
  const { day, sent, trail } = await readDay(person, on);
  const taken = readStretch(day.on, part);
  const features = trail ? cutTrail(trail, taken) : [];
  drawTrail(features);
  const fixes = features.filter(({ geometry }) => geometry.type === "Point").length;
  const kind = taken && day.band.find(({ since, until }) => writeStretch({ since, until }) === part)?.kind;
  const whole = el("button", { type: "button", class: "link", onclick: () => go({ part: null }) }, t("coverage.whole_day"));
  const said = el("p", { class: "small", role: "status" }, taken ? tellStretch({ ...taken, kind }, t("coverage.fixes", { n: fixes })) : "", " ", taken ? whole : null);
  const band = day.proven ? makeBand(day, (one) => go({ part: writeStretch(one) }), { chosen: taken, marks: marksOf(sent.responses) }) : el("p", { class: "warn" }, t("coverage.expired"));
  const notes = day.notes.length ? el("div", {}, el("h3", {}, t("coverage.tab.notes")), el("ul", { class: "notes" }, ...day.notes.map((one) => noteItem(one, answer)))) : null;
  const parts = [el("h2", {}, `${day.name} · ${day.on}`), makeShares(day), band, said, notes, makeTimes(day), makeWays(day), listOwnResponses(sent), el("p", { class: "muted small" }, t("coverage.as_of", { at: stamp(day.as_of) }))];
  at("detail").replaceChildren(...parts.filter(Boolean));
}
