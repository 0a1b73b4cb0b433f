// Figures as people read them: a share with what it is made of, ages, and their classes on the scale.
import { count, span } from "../format.js";
import { isEnglish, t } from "../words.js";

const SHARES = [0.2, 0.4, 0.6, 0.8];
const DAYS = [1, 3, 7, 14];
const FEW = { cm2: 1e8, mm: 1e6, count: 30, us: 36e8 };
export const CLASSES = 5;

export const percent = (share) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(1)}${t("unit.percent")}`);

/** An amount in the measure of a figure; `whole`: what it is a part of, so that both are told in one unit. */
export function amount(value, measure, whole = value) {
  if (measure === "cm2") return whole < 1e12 ? `${(value / 1e8).toFixed(value < 1e9 ? 2 : 1)} ${t("unit.ha")}` : `${(value / 1e10).toFixed(value < 1e10 ? 2 : 1)} ${t("unit.km2")}`;
  if (measure === "mm" && whole < 1e6) return `${count(Math.round(value / 1e3))} ${t("unit.m")}`;
  if (measure === "mm") return `${(value / 1e6).toFixed(1)} ${t("unit.km")}`;
  if (measure === "us") return span(value / 1e6);
  return count(value);
}

/** “12.3 ha of 40.1 ha, possibly 2.1 ha more”: what a share stands on, with its definition. */
export function basis(figure) {
  const told = (value) => amount(value, figure.measure, Math.max(figure.denominator, figure.not_observed));
  const of = t("coverage.of", { part: told(figure.numerator), whole: told(figure.denominator) });
  const more = figure.possible ? t("coverage.possible", { more: told(figure.possible) }) : "";
  const unseen = figure.not_observed ? t("coverage.unseen", { part: told(figure.not_observed) }) : "";
  return [of, more, unseen].filter(Boolean).join(t("coverage.comma"));
}

/** The name of a figure, and in words what it is made of by which limits, where the answer told (`told`, by definition). */
export function meaning(figure, told) {
  const text = told?.[figure.definition]?.[isEnglish ? "en" : "zh"];
  return `${isEnglish ? figure.en : figure.zh} (${figure.definition} ${figure.version})${text ? `\n${text}` : ""}`;
}

/** Whether a figure stands on so little that nobody should lean on it. */
export const isFew = (figure) => figure.denominator > 0 && figure.denominator < (FEW[figure.measure] ?? 0);

/** The class of a row or text that stands on so little. */
export const fewClass = (denominator, measure) => (isFew({ denominator, measure }) ? "few" : null);

export function ageText(age, key = "seconds") {
  if (!age) return t("coverage.unobserved");
  if (age[key] === null || age[key] === undefined) return t("coverage.never");
  const days = age[key] / 86400;
  return days < 1 ? span(age[key]) : t("age.d", { n: days.toFixed(1) });
}

/** 0 (cold) to 4 (well covered, or lately visited), null for no data. */
export function classOf(unit, { show, measure }) {
  if (show === "age") {
    if (!unit.age) return null;
    if (unit.age.seconds === null) return 0;
    return CLASSES - 1 - DAYS.filter((limit) => unit.age.seconds / 86400 >= limit).length;
  }
  const share = unit.figures[measure].share;
  return share === null ? null : SHARES.filter((limit) => share >= limit).length;
}

/** What each class means, the best first. */
export function classTexts(show) {
  const limits = show === "age" ? DAYS : SHARES.map((limit) => 100 * limit).reverse();
  const unit = show === "age" ? t("coverage.days") : "%";
  const texts = [
    show === "age" ? `< ${limits[0]} ${unit}` : `≥ ${limits[0]} ${unit}`,
    ...limits.slice(1).map((limit, row) => (show === "age" ? `${limits[row]}–${limit} ${unit}` : `${limit}–${limits[row]} ${unit}`)),
    show === "age" ? `≥ ${limits.at(-1)} ${unit}${t("coverage.or_never")}` : `< ${limits.at(-1)} ${unit}`,
  ];
  return texts.map((text, row) => ({ text, level: CLASSES - 1 - row }));
}

export function median(values) {
  const ranked = values.filter((value) => value !== null).sort((one, other) => one - other);
  if (ranked.length < 3) return null;
  const middle = ranked.length >> 1;
  return ranked.length % 2 ? ranked[middle] : (ranked[middle - 1] + ranked[middle]) / 2;
}
