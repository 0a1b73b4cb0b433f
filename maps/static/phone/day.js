// One's own figures of a day, as whoever leads one sees them, and notes on what they do not show.
import { makeBand, makeShares, makeTimes, makeWays, outcomeOf, tellStretch } from "../coverage/band.js";
import { listOwnResponses, marksOf } from "../coverage/responses.js";
import { instantOf } from "../coverage/stretch.js";
import { get, send } from "../door.js";
import { day, minute, span, stamp } from "../format.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";
import { showTrail } from "./trail.js";

let code = null;

export async function startDay(person, attempt) {
  code = person;
  at("day-on").value = at("day-on").max = day(Date.now());
  at("day-on").addEventListener("change", () => at("day-on").value && attempt(() => Promise.all([showDay(), showTrail(code, at("day-on").value)])));
  at("note").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(tellNote);
  });
  await showDay();
}

export async function showDay() {
  const query = new URLSearchParams({ on: at("day-on").value });
  const [found, sent] = await Promise.all(["coverage", "responses"].map((what) => get(`/v1/people/${encodeURIComponent(code)}/${what}?${query}`)));
  const said = el("p", { class: "small", role: "status" });
  const choose = (one) => {
    said.textContent = tellStretch(one);
    at("note-since").value = minute(one.since);
    at("note-until").value = minute(one.until);
  };
  const band = found.proven ? makeBand(found, choose, { marks: marksOf(sent.responses) }) : el("p", { class: "muted" }, t("coverage.expired"));
  const figures = found.duty.length ? [makeShares(found), band, said, makeTimes(found), makeWays(found), listOwnResponses(sent)].filter(Boolean) : [band];
  at("day-body").replaceChildren(...figures, el("p", { class: "muted small" }, t("coverage.as_of", { at: stamp(found.as_of) })));
  at("day-notes").replaceChildren(...found.notes.map(noteRow));
  at("day").hidden = false;
}

function noteRow(one) {
  const answer = one.answer ? [t(`coverage.note.${outcomeOf(one)}`, { who: one.answered_by, time: span(one.credited_s ?? 0) }), one.answer_text].filter(Boolean).join(t("coverage.colon")) : t("coverage.note.waiting");
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
