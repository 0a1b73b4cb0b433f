// One person's day: a band of what the time was, tied to the map, with the same figures the person sees.
import { get } from "../door.js";
import { clock, stamp } from "../format.js";
import { at, el } from "../wall/dom.js";
import { t } from "../words.js";
import { makeBand, makeShares, makeTimes, makeWays } from "./band.js";
import { drawTrail } from "./map.js";

export async function showPerson({ person, on }) {
  const query = on ? `?${new URLSearchParams({ on })}` : "";
  const day = await get(`/v1/people/${encodeURIComponent(person)}/coverage${query}`);
  const trail = day.proven ? await get(`/v1/trails?${new URLSearchParams({ person, on: day.on, why: `coverage ${day.on}` })}`).catch(() => null) : null;
  const features = trail?.features.filter(({ properties }) => properties.kind === "segment" || properties.kind === "fix") ?? [];
  drawTrail(features);
  const said = el("p", { class: "small", role: "status" });
  const choose = (one) => {
    const inside = features.filter(({ properties: { kind, at: when } }) => kind === "fix" && when >= iso(one.since) && when <= iso(one.until));
    said.textContent = `${clock(one.since)}–${clock(one.until)} ${t(`coverage.kind.${one.kind}`)}${t("coverage.comma")}${t("coverage.fixes", { n: inside.length })}`;
    if (inside.length) drawTrail(inside);
  };
  const parts = [el("h2", {}, `${day.name} · ${day.on}`), makeShares(day), day.proven ? makeBand(day, choose) : el("p", { class: "warn" }, t("coverage.expired")), said, makeTimes(day), makeWays(day), el("p", { class: "muted small" }, t("coverage.as_of", { at: stamp(day.as_of) }))];
  at("detail").replaceChildren(...parts);
}

const iso = (instant) => new Date(instant).toISOString().replace(".000", "");
