// How the feed is doing: the lamp, the banner, and a greyed map while it is silent.
import { clock } from "../format.js";
import { greyMap } from "../map/dots.js";
import { t } from "../words.js";
import { at } from "./dom.js";
import { here, tell } from "./here.js";

/** `state`: connecting, live, broken, ended (signed out), refused (no right to see movement). */
export function tellConnection(state) {
  at("connection").dataset.state = state;
  const word = { connecting: "live.connecting", live: "live.live", broken: "live.broken", ended: "live.broken" }[state];
  at("connection").hidden = !word;
  if (word && at("connection-text").textContent !== t(word)) at("connection-text").textContent = t(word);
  if (here.map) greyMap(state === "broken" || state === "ended");
  if (state === "broken") banner(here.asOf ? t("live.broken.text", { time: clock(here.asOf) }) : t("failed.network"));
  else if (state === "ended") banner(t("live.ended"));
  else if (state === "refused") banner(t("live.refused"));
  else banner("");
  tell("connection", state);
}

export function banner(text) {
  if (at("banner").textContent !== text) at("banner").textContent = text;
  at("banner").hidden = !text;
}
