// Unheard on shift, one is asked first whether all is well; the answer is shown to those who lead.
import { send } from "../door.js";
import { moment } from "../format.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";

const ANSWERS = ["fine", "low_battery", "meeting", "no_signal"];
let shown = "";

/** `question`: of /v1/me/tasks, null when nothing is asked; `attempt(act)` runs what may fail and tells the person. */
export function showQuestion(question, attempt) {
  const key = JSON.stringify(question);
  if (key === shown) return;
  shown = key;
  at("asked").hidden = !question;
  if (!question) return;
  const give = (answer) => attempt(async () => showQuestion(await send("/v1/me/answer", { answer }), attempt));
  const said = question.answer && t("m.asked.said", { answer: wordsOf(question.answer), time: moment(question.answered_at) });
  at("asked-why").textContent = t("m.asked.why", { time: moment(question.asked_at) });
  at("asked-said").textContent = said ?? "";
  at("asked-answers").replaceChildren(...ANSWERS.map((answer) => el("button", { type: "button", "aria-pressed": String(question.answer === answer), onclick: () => give(answer) }, t(`answer.${answer}`))));
}

const wordsOf = (answer) => (ANSWERS.includes(answer) ? t(`answer.${answer}`) : answer);
