// Legend and layers in one: what is drawn, and whether.
import { CASE_STATES, drawCaseMark } from "../map/cases.js";
import { drawGroup, drawMark } from "../map/marks.js";
import { readTokens, scaleNow } from "../map/theme.js";
import { t } from "../words.js";
import { at, el } from "./dom.js";

const DOT_STATES = ["moving", "still", "unconfirmed", "late", "stale", "sos"];

/**
 * `layers`: the names offered; `shown`: those on; `change(name, on)`; `hotspots`: { classes: [{ colour, text }], note };
 * `dedicated`: whether the network has units beside its levels.
 */
export function showLegend({ layers, shown, hotspots, dedicated, change }) {
  const boxes = layers.map((name) => {
    const box = el("input", { type: "checkbox", id: `layer-${name}`, checked: shown.includes(name) });
    box.checked = shown.includes(name);
    box.addEventListener("change", () => change(name, box.checked));
    return el("li", {}, el("label", {}, box, t(`wall.layer.${name}`)));
  });
  const groups = [el("ul", { class: "layers", "aria-label": t("wall.layers") }, ...boxes)];
  if (layers.includes("people") && shown.includes("people")) groups.push(dotList(shown.includes("groups")));
  if (layers.includes("cases") && shown.includes("cases")) groups.push(caseList());
  if (dedicated) groups.push(el("ul", {}, el("li", { title: t("legend.dedicated.note") }, drawDedicated(), t("legend.dedicated"))));
  if (shown.includes("hotspots")) groups.push(hotspotList(hotspots));
  at("legend-body").replaceChildren(el("div", { class: "legend-groups" }, ...groups));
}

function dotList(groups) {
  const rem = scaleNow();
  const rows = DOT_STATES.map((state) => [drawMark(state, state === "sos" ? 7.5 * rem - 7 : 5 * rem), state]);
  if (groups) rows.push([drawGroup({ count: 9, moving: 6 }, 8.5 * rem, `600 ${10 * rem}px sans-serif`, readTokens()), "group"]);
  return el("ul", {}, ...rows.map(([mark, key]) => el("li", { title: t(`legend.${key}.note`) }, centred(mark), t(`legend.${key}`))));
}

function caseList() {
  return el("ul", {}, ...CASE_STATES.map((state) => el("li", {}, centred(drawCaseMark(state, 18 * scaleNow())), t(`case.${state}`))));
}

function hotspotList({ classes, note }) {
  const square = (colour) => {
    const mark = el("canvas", { width: 20, height: 20 });
    const pen = mark.getContext("2d");
    pen.fillStyle = colour;
    pen.fillRect(2, 2, 16, 16);
    mark.setAttribute("aria-hidden", "true");
    return mark;
  };
  const rows = classes.map(({ colour, text }) => el("li", {}, square(colour), text));
  return el("ul", {}, ...rows, ...(note ? [el("li", { role: "status" }, note)] : []));
}

/** The border of a dedicated grid, as units.js draws it. */
function drawDedicated() {
  const box = emptyBox();
  const pen = box.getContext("2d");
  const unit = box.width / 20;
  pen.strokeStyle = readTokens().info;
  pen.lineWidth = 1.5 * unit;
  pen.setLineDash([3.5 * unit, 2.5 * unit]);
  pen.strokeRect(2.5 * unit, 4.5 * unit, 15 * unit, 11 * unit);
  return box;
}

/** A square of 20 pixels on a desk. */
function emptyBox() {
  const size = Math.round(20 * scaleNow() * (devicePixelRatio || 1));
  const box = el("canvas", { width: size, height: size });
  box.setAttribute("aria-hidden", "true");
  return box;
}

/** Marks of different sizes on one left edge: each in a box of the same size. */
function centred(mark) {
  const box = emptyBox();
  box.getContext("2d").drawImage(mark, (box.width - mark.width) / 2, (box.height - mark.height) / 2);
  return box;
}

/** A bar of a round length in metres. */
export function showScale(map) {
  const metresPerPixel = (40_075_017 * Math.cos((map.getCenter().lat * Math.PI) / 180)) / (512 * 2 ** map.getZoom());
  const most = 112 * metresPerPixel;
  const power = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map((step) => step * power).find((step) => step <= most) ?? power;
  at("scale").style.width = `${Math.round(length / metresPerPixel)}px`;
  at("scale").firstElementChild.textContent = length >= 1000 ? `${length / 1000} ${t("unit.km")}` : `${length} ${t("unit.m")}`;
}
