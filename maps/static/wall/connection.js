// How the feed is doing: the lamp, the banner, and everything greyed with its age while it is silent.
import { age, clock } from "../format.js";
import { greyMap } from "../map/dots.js";
import { t } from "../words.js";
import { at } from "./dom.js";
import { here, tell } from "./here.js";

const AGE_MS = 5000;
let ticking = 0;

/** `state`: connecting, live, broken, ended (signed out), refused (no right to see movement). */
export function tellConnection(state) {
  if (at("connection").dataset.state === state && state === "live") return;
  at("connection").dataset.state = state;
  const word = { connecting: "live.connecting", live: "live.live", broken: "live.broken", ended: "live.broken" }[state];
  at("connection").hidden = !word;
  if (word && at("connection-text").textContent !== t(word)) at("connection-text").textContent = t(word);
  const isOld = state === "broken" || state === "ended";
  if (here.map) greyMap(isOld);
  document.body.toggleAttribute("data-old", isOld);
  clearInterval(ticking);
  if (state === "broken") {
    tellAge();
    ticking = setInterval(tellAge, AGE_MS);
  } else if (state === "ended") banner(t("live.ended"));
  else if (state === "refused") banner(t("live.refused"));
  else banner("");
  tell("connection", state);
}

/** What is shown, and beside it how old it has become: that grows without being read out again. */
function tellAge() {
  const { asOf } = here;
  banner(asOf ? t("live.broken.text", { time: clock(asOf) }) : t("failed.network"));
  if (asOf) at("banner").dataset.age = age((Date.now() - Date.parse(asOf)) / 1000);
}

export function banner(text) {
  if (at("banner").textContent !== text) at("banner").textContent = text;
  at("banner").hidden = !text;
  delete at("banner").dataset.age;
}
