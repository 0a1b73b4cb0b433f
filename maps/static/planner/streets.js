// Streets in view, to draw borders along: read when the map comes near enough.
import { get } from "../door.js";
import { boxInView, map, readFeatures, streets } from "./ground.js";
import { current } from "./work.js";

const NEAR_ZOOM = 15;
let last = "";

export function startStreets() {
  map.on("moveend", async () => {
    const near = current() !== null && map.getView().getZoom() >= NEAR_ZOOM;
    streets.setVisible(near);
    const box = boxInView().map((degrees) => degrees.toFixed(4)).join(",");
    if (!near || box === last) return;
    last = box;
    const read = await get(`/v1/streets?bbox=${box}`).catch(() => null);
    if (read === null || box !== last) return;
    streets.getSource().clear(true);
    streets.getSource().addFeatures(readFeatures(read));
  });
}
