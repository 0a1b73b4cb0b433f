// Numbers and times as people read them, in the city's zone.
import { isEnglish, t } from "./words.js";

const zone = document.documentElement.dataset.zone || "Asia/Shanghai";
const locale = isEnglish ? "en-GB" : "zh-CN";
const parts = { timeZone: zone, hourCycle: "h23" };
const two = "2-digit";
const clockFormat = new Intl.DateTimeFormat(locale, { ...parts, hour: two, minute: two, second: two });
const minuteFormat = new Intl.DateTimeFormat(locale, { ...parts, hour: two, minute: two });
// Sweden writes dates as ISO 8601 does.
const dayFormat = new Intl.DateTimeFormat("sv-SE", { timeZone: zone });
const countFormat = new Intl.NumberFormat(locale);

export const clock = (instant) => clockFormat.format(new Date(instant));
export const minute = (instant) => minuteFormat.format(new Date(instant));
export const day = (instant) => dayFormat.format(new Date(instant));
export const stamp = (instant) => `${day(instant)} ${minute(instant)}`;
/** The time alone when it is of today. */
export const moment = (instant) => (day(instant) === day(Date.now()) ? minute(instant) : stamp(instant));
export const count = (number) => countFormat.format(number);

/** Codes or names one after another. */
export const listed = (parts) => parts.join(isEnglish ? ", " : "、");

/** What a case is about: the name of a category this service knows, or as it was reported. */
export function category(code) {
  const name = t(`category.${code}`);
  return name === `category.${code}` ? code : name;
}

/** “3 min”: how long ago, in one unit. */
export function age(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return t("age.s", { n: s });
  if (s < 3600) return t("age.min", { n: Math.floor(s / 60) });
  if (s < 86400) return t("age.h", { n: Math.floor(s / 3600) });
  return t("age.d", { n: Math.floor(s / 86400) });
}

/** “2 h 5 min”: how long something took. */
export function span(seconds) {
  const minutes = Math.round(Math.max(0, seconds) / 60);
  const hours = Math.floor(minutes / 60);
  const rest = t("age.min", { n: minutes % 60 });
  return hours ? `${t("age.h", { n: hours })} ${rest}` : rest;
}

export function metres(length) {
  if (length < 1000) return `${Math.round(length)} ${t("unit.m")}`;
  return `${(length / 1000).toFixed(length < 100000 ? 1 : 0)} ${t("unit.km")}`;
}

export function share(part, whole) {
  return whole === 0 ? "–" : `${Math.round((100 * part) / whole)}${t("unit.percent")}`;
}
