// What is new in the rail: told to screen readers, and sounded where somebody asked for it.
import { count } from "../../format.js";
import { t } from "../../words.js";
import { say, sound } from "./say.js";

const MOST_NAMED = 3;
let first = true;

/** Tell what `now` has and `before` had not; the first list only tells calls for help and how many there are. */
export function announceNew(before, now, titleOf) {
  const known = new Set(before.map((one) => one.id));
  const fresh = now.filter((one) => !known.has(one.id) && !one.acknowledged_at);
  const calls = fresh.filter((one) => one.kind === "sos");
  const others = fresh.filter((one) => one.kind !== "sos");
  const begins = first;
  first = false;
  if (calls.length) {
    say(calls.map((one) => [t("alert.sos"), titleOf(one), one.unit?.name].filter(Boolean).join(" · ")).join("; "), { urgent: true });
    sound({ urgent: true });
  }
  if (!others.length) return;
  const many = begins || others.length > MOST_NAMED;
  say(many ? t("alert.new", { count: count(others.length) }) : others.map((one) => `${t(`alert.${one.kind}`)} · ${titleOf(one)}`).join("; "));
  if (!begins && !calls.length) sound();
}
