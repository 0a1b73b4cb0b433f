// What just happened, in words: seen for a while and read aloud.
import { at } from "../wall/dom.js";

let timer = 0;
function show(id, text, keep) {
  for (const other of ["message", "trouble"]) at(other).hidden = true;
  const box = at(id);
  box.textContent = text;
  box.hidden = !text;
  clearTimeout(timer);
  if (text && !keep) timer = setTimeout(() => (box.hidden = true), 8000);
}

export const say = (text, { keep = false } = {}) => show("message", text, keep);
export const complain = (text) => show("trouble", text, true);

/** A refusal is told until its reader goes on to something else. */
export function calm() {
  at("trouble").hidden = true;
}

/** Do something; what goes wrong is told. Answers whether it went well. */
export async function trying(action) {
  try {
    await action();
    return true;
  } catch (problem) {
    if (problem?.name === "AbortError") return false;
    complain(problem instanceof Error ? problem.message : String(problem));
    if (!problem?.status) throw problem;
    return false;
  }
}
