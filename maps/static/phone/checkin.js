// “I am here”: said by oneself, once, for the unit one stands in. No position is kept.
import { get, send } from "../door.js";
import { minute } from "../format.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";

const FOUND_MS = 20_000;

export async function startCheckin(attempt) {
  at("checkin-do").addEventListener("click", () => attempt(checkIn));
  list(await get("/v1/me/checkins"));
  at("checkin").hidden = false;
}

async function checkIn() {
  at("checkin-do").disabled = true;
  try {
    const { coords } = await findPlace();
    list(await send("/v1/me/checkins", { lon: coords.longitude, lat: coords.latitude, accuracy_m: coords.accuracy }));
    at("checkin-said").textContent = t("m.checkin.done");
  } catch (error) {
    if (!(error instanceof NoPlace)) throw error;
    at("checkin-said").textContent = t("m.checkin.no_place");
  } finally {
    at("checkin-do").disabled = false;
  }
}

class NoPlace extends Error {}

const findPlace = () =>
  new Promise((resolve, reject) => {
    if (!navigator.geolocation || !isSecureContext) return reject(new NoPlace());
    navigator.geolocation.getCurrentPosition(resolve, () => reject(new NoPlace()), { enableHighAccuracy: true, maximumAge: 0, timeout: FOUND_MS });
  });

/** Those of the last day; of several networks each. */
function list({ checkins }) {
  const rows = new Map(checkins.map((one) => [one.at, []]));
  for (const one of checkins) rows.get(one.at).push(one.unit_name);
  at("checkin-list").replaceChildren(...[...rows].map(([instant, names]) => el("li", {}, el("span", { class: "number" }, minute(instant)), ` ${names.join(t("coverage.comma"))}`)));
}
