// The lists beside the map: units with their figures, what is cold with a round, people, notes.
import { count, day, metres, span, stamp } from "../format.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";
import { outcomeOf } from "./band.js";
import { ageText, basis, fewClass, isFew, meaning, median, percent } from "./figure.js";
import { showAt } from "./map.js";
import { go, now } from "./state.js";

const link = (text, act, more = {}) => el("button", { type: "button", class: "link", onclick: act, ...more }, text);
const FEW_S = 3600; // on duty for less than this, a share says little
const note = (text) => el("p", { class: "note muted" }, text);

function table(heads, rows, caption) {
  const cells = heads.map((text, place) => el("th", { scope: "col", class: place ? "right" : null }, text));
  return el("table", {}, caption ? el("caption", { class: "muted small" }, caption) : null, el("thead", {}, el("tr", {}, ...cells)), el("tbody", {}, ...rows));
}

const right = (text, more = {}) => el("td", { class: `right ${more.class ?? ""}`, title: more.title }, text);

/** Units by code, never by rank; the median of all of them above. */
export function listUnits({ units, definitions }, { measure }, open) {
  if (!units.length) return at("list").replaceChildren(note(t("coverage.no_units")));
  const middle = median(units.map((unit) => unit.figures[measure].share));
  const rows = units.map((unit) => {
    const figure = unit.figures[measure];
    const share = figure.share === null ? missing(figure) : percent(figure.share);
    const said = unit.checkins && figure.not_observed ? el("span", { class: "muted small block" }, t("coverage.checkins", { n: count(unit.checkins.checkins), people: count(unit.checkins.people), at: stamp(unit.checkins.last_at).slice(5) })) : null;
    const bar = el("span", { class: "meter", "aria-hidden": "true" }, el("i"));
    bar.firstChild.style.inlineSize = `${100 * (figure.share ?? 0)}%`;
    return el(
      "tr",
      { class: isFew(figure) || unit.not_claimable_days ? "few" : null },
      el("th", { scope: "row" }, link(unit.name ?? unit.code, () => open(unit.id), { title: unit.code })),
      el("td", { class: "right", title: [meaning(figure, definitions), basis(figure), unsure(unit)].filter(Boolean).join("\n") }, `${share}${unit.not_claimable_days ? " ?" : ""}`, figure.share === null ? null : bar, said),
      visited(unit),
      right(coldest(unit.age), { title: unit.age ? `${t("coverage.duty_age")} ${ageText(unit.age, "duty_seconds")}` : "" }),
      el("td", { class: "right" }, figure.denominator ? link(t("coverage.proof"), () => openProof(unit.code, measure)) : null),
    );
  });
  const heads = [t("coverage.unit"), t(`coverage.measure.${measure}`), t("coverage.visits"), t("coverage.age"), ""];
  const caption = middle === null ? null : t("coverage.median", { share: percent(middle), n: count(units.length) });
  at("list").replaceChildren(table(heads, rows, caption));
}

/** The fixes behind a percentage of a unit. */
export const openProof = (code, measure) => go({ proof: code, prove: measure, person: null, part: null });

/** Why a figure has no share: nobody tracked serves there, or there is nothing to be visited. */
export const missing = (figure) => (figure.not_observed ? t("coverage.unobserved") : t("coverage.nothing_due"));

/** Of its deepest units' visits how many and how long, and the longest time that nobody came to one of them. */
function visited({ visits, dwell_s: dwell, longest_unvisited_s: longest }) {
  if (visits === null) return right("–", { title: t("coverage.visits.older") });
  const away = longest === null ? null : el("span", { class: "muted small block" }, t("coverage.longest", { time: span(longest) }));
  return el("td", { class: "right", title: t("coverage.visits.text") }, t("coverage.visits.n", { n: count(visits), time: span(dwell) }), away);
}

/** Why a percentage of the unit cannot be claimed, if it cannot. */
export const unsure = ({ not_claimable_days: days, unit_days: of, not_observed_days: unseen, interval_s: interval }) => (days ? t("coverage.unsure", { n: count(days), of: count(of - unseen), interval: interval === null ? "–" : count(Math.round(interval)) }) : "");

/** Of several units some of which nobody ever visited: how many. */
const coldest = (age) => (age?.never && age.units > 1 ? t("coverage.never_of", { n: count(age.never), of: count(age.units) }) : ageText(age));

/** What nobody visited in the period, coldest first, with the suggested round. */
export function listCold({ stops, total, not_observed: unseen, round, round_m: length }, places) {
  const required = listSites(places);
  if (!stops.length) return at("list").replaceChildren(note(t("coverage.nothing_cold")), ...required);
  const place = new Map(round.map((row, step) => [row, step + 1]));
  const rows = stops.map((stop, row) =>
    el(
      "tr",
      { class: fewClass(stop.area_m2 * 1e4, "cm2") },
      el("th", { scope: "row" }, el("span", { class: "step" }, place.has(row) ? String(place.get(row)) : ""), link(stop.name, () => go({ unit: stop.code, level: null }), { title: stop.code })),
      right(stop.seconds === null ? t("coverage.never") : t("age.d", { n: (stop.seconds / 86400).toFixed(1) })),
      right(stop.duty_seconds === null ? "–" : span(stop.duty_seconds)),
      right(stop.households ? count(stop.households) : "–"),
      right(`${(stop.area_m2 / 1e4).toFixed(1)}`),
    ),
  );
  const heads = [t("coverage.unit"), t("coverage.age"), t("coverage.duty_age"), t("coverage.households"), t("unit.ha")];
  const caption = `${t("coverage.cold.text", { n: count(total), unseen: count(unseen) })} ${t("coverage.round.text", { n: round.length, length: metres(length) })}${grey(rows)}`;
  at("list").replaceChildren(table(heads, rows, caption), ...required);
}

/** What grey means, where something of the list is. */
const grey = (rows) => (rows.some((row) => row.classList.contains("few")) ? ` ${t("coverage.few.grey")}` : "");

/** The required places, those with most visits missing first. */
function listSites({ sites, total }) {
  if (!total) return [];
  const rows = sites.map((one) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, one.lon === null ? one.name || one.code : link(one.name || one.code, () => showAt(one)), el("span", { class: "muted small block" }, `${one.code} · ${one.unit_name}`)),
      right(one.observed ? `${count(one.visits)} / ${count(one.required)}` : t("coverage.unobserved"), { class: one.missing ? "warn" : "", title: one.least_s === null ? "" : t("coverage.site.least", { time: span(one.least_s) }) }),
      right(one.observed ? count(one.short_visits) : "–"),
      right(one.last_visit_at === null ? t("coverage.never") : stamp(one.last_visit_at)),
      right(one.longest_unvisited_s === null ? "–" : span(one.longest_unvisited_s)),
      el("td", { class: "right" }, one.observed ? link(t("coverage.proof"), () => openProof(one.unit_code, "required")) : null),
    ),
  );
  const heads = [t("coverage.site"), t("coverage.site.made"), t("coverage.site.short"), t("coverage.site.last"), t("coverage.site.longest"), ""];
  const missing = sites.filter((one) => one.missing).length;
  return [el("h3", {}, t("coverage.sites")), table(heads, rows, t("coverage.sites.text", { n: count(total), missing: count(missing) }))];
}

/** People by name, with the median of all; small numbers have no median. */
export function listPeople(found, role) {
  if (!found.people.length) return at("list").replaceChildren(note(t("coverage.no_people", { on: found.on })));
  const rows = found.people.map((one) => {
    const inside = one.times_s.inside_moving + one.times_s.inside_still;
    const seen = one.duty_s - one.times_s.unobserved;
    const share = (part) => (one.duty_s ? percent(part / one.duty_s) : "–");
    const plus = one.credited_s ? ` +${span(one.credited_s)}` : "";
    return el(
      "tr",
      { "data-chosen": now().person === one.code, class: one.duty_s < FEW_S ? "few" : null },
      el("th", { scope: "row" }, link(one.name, () => go({ person: one.code, on: found.on, part: null, proof: null }), { title: one.code }), one.notes_waiting ? el("span", { class: "badge", title: t("coverage.notes.waiting") }, String(one.notes_waiting)) : null),
      right(`${seen ? share(inside) : t("coverage.unobserved")}${plus}`, { title: `${span(inside)} / ${span(one.duty_s)}` }),
      right(one.observed ? share(seen) : t("coverage.unobserved"), { title: `${span(seen)} / ${span(one.duty_s)}` }),
      right(metres(one.valid_m), { title: t("coverage.rejected", { length: metres(one.rejected_m) }) }),
    );
  });
  const heads = [t("coverage.person"), t("coverage.in_grid"), t("coverage.observed"), t("coverage.valid")];
  const { in_grid: inside, observability } = found.figures;
  const sums = inside ? t("coverage.people.sum", { who: role || t("coverage.role.any"), n: count(found.people.length), share: percent(inside.share), inside: basis(inside), seen: percent(observability.share) }) : "";
  const middles = found.median_in_grid === null || found.median_observed === null ? t("coverage.few") : t("coverage.people.median", { share: percent(found.median_in_grid), seen: percent(found.median_observed), length: metres(found.median_valid_m) });
  at("list").replaceChildren(table(heads, rows, [found.on, sums, middles].filter(Boolean).join(t("coverage.semicolon"))));
}

/** Notes of the period; those without an answer carry two buttons. */
export function listNotes({ notes }, answer) {
  if (!notes.length) return at("list").replaceChildren(note(t("coverage.no_notes")));
  at("list").replaceChildren(el("ul", { class: "notes" }, ...notes.map((one) => noteItem(one, answer, true))));
}

/** What somebody says of a time, with the answer, or the two buttons to give one and a field for words to go with it. */
export function noteItem(one, answer, named = false) {
  const told = one.answer ? [t(`coverage.note.${outcomeOf(one)}`, { who: one.answered_by, time: span(one.credited_s ?? 0) }), one.answer_text].filter(Boolean).join(t("coverage.colon")) : null;
  const words = el("input", { maxlength: 500, "aria-label": t("coverage.note.words"), placeholder: t("coverage.note.words") });
  const buttons = ["accepted", "declined"].map((kind) => el("button", { type: "button", class: kind === "accepted" ? "main" : null, onclick: () => answer(one.id, kind, words.value) }, t(`coverage.note.${kind}.do`)));
  const who = named ? [link(one.person_name, () => go({ person: one.person_code, on: day(one.since), part: null, proof: null })), " "] : [];
  return el("li", {}, el("p", {}, ...who, t(`coverage.note.${one.kind}`)), el("p", { class: "muted small number" }, `${stamp(one.since)} – ${stamp(one.until)}`), el("p", {}, one.told), told ? el("p", { class: "small" }, told) : el("p", { class: "pair" }, words, ...buttons));
}
