// Small forms made of rows: a label, a field, a word of help.
import { el } from "../wall/dom.js";

let last = 0;

/** A labelled field; `field` is an input, select or textarea. */
export function row(label, field) {
  field.id ||= `field-${++last}`;
  return el("div", { class: "field" }, el("label", { for: field.id }, label), field);
}

export const input = (name, attributes = {}) => el("input", { name, autocomplete: "off", ...attributes });

export function select(name, options, chosen) {
  return el("select", { name }, ...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
}

/** A form that hears of its values; buttons are given. */
export function form(attributes, onsubmit, ...children) {
  const made = el("form", { autocomplete: "off", ...attributes }, ...children);
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    onsubmit(Object.fromEntries(new FormData(made)));
  });
  return made;
}

export const button = (text, onclick, attributes = {}) => el("button", { type: "button", onclick, ...attributes }, text);
export const submit = (text, attributes = {}) => el("button", { type: "submit", ...attributes }, text);

const offsetAt = (zone, instant) => {
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" }).formatToParts(instant);
  const told = Object.fromEntries(parts.map((part) => [part.type, Number(part.value)]));
  return Date.UTC(told.year, told.month - 1, told.day, told.hour, told.minute, told.second) - instant;
};

/** The instant of a local date and time in the city's zone, as ISO. */
export function instantOf(local) {
  const zone = document.documentElement.dataset.zone || "Asia/Shanghai";
  const told = Date.parse(`${local}Z`);
  return new Date(told - offsetAt(zone, told - offsetAt(zone, told))).toISOString();
}

/** The other way, for a date and time field. */
export function localOf(instant) {
  const zone = document.documentElement.dataset.zone || "Asia/Shanghai";
  return new Date(instant + offsetAt(zone, Math.floor(instant / 1000) * 1000)).toISOString().slice(0, 19);
}
