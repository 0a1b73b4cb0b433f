// One's own figures of a day, as whoever leads one sees them, and notes on what they do not show.
import { makeBand, makeShares, makeTimes, makeWays } from "../coverage/band.js";
import { get, send } from "../door.js";
import { clock, day, minute, span, stamp } from "../format.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";

let code = null;

export async function startDay(person, attempt) {
  code = person;
  at("day-on").value = at("day-on").max = day(Date.now());
  at("day-on").addEventListener("change", () => at("day-on").value && attempt(showDay));
  at("note").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(tellNote);
  });
  await showDay();
}

export async function showDay() {
  const found = await get(`/v1/people/${encodeURIComponent(code)}/coverage?${new URLSearchParams({ on: at("day-on").value })}`);
  const said = el("p", { class: "small", role: "status" });
  const choose = (one) => {
    said.textContent = `${clock(one.since)}–${clock(one.until)} ${t(`coverage.kind.${one.kind}`)}`;
    at("note-since").value = minute(one.since);
    at("note-until").value = minute(one.until);
  };
  const band = found.proven ? makeBand(found, choose) : el("p", { class: "muted" }, t("coverage.expired"));
  const figures = found.duty.length ? [makeShares(found), band, said, makeTimes(found), makeWays(found)] : [band];
  at("day-body").replaceChildren(...figures, el("p", { class: "muted small" }, t("coverage.as_of", { at: stamp(found.as_of) })));
  at("day-notes").replaceChildren(...found.notes.map(noteRow));
  at("day").hidden = false;
}

function noteRow(one) {
  const answer = one.answer ? t(`coverage.note.${one.answer}`, { who: one.answered_by, time: span(one.credited_s ?? 0) }) : t("coverage.note.waiting");
  return el("li", {}, el("strong", {}, `${minute(one.since)}–${minute(one.until)} ${t(`coverage.note.${one.kind}`)}`), el("span", {}, one.told), el("span", { class: "muted small" }, answer));
}

/** Times of the day shown, by the city's clock. */
async function tellNote() {
  const instant = (id) => instantOf(at("day-on").value, at(id).value);
  await send("/v1/me/notes", { kind: at("note-kind").value, since: instant("note-since"), until: instant("note-until"), told: at("note-told").value });
  at("note-told").value = "";
  at("note-said").textContent = t("coverage.mine.sent");
  await showDay();
}

/** “2026-06-10” and “08:30” of the city as an instant: what its clock shows is compared with what was meant. */
function instantOf(on, time) {
  const wanted = Date.parse(`${on}T${time}Z`);
  const shown = Date.parse(`${day(wanted)}T${minute(wanted)}Z`);
  return new Date(2 * wanted - shown).toISOString();
}
