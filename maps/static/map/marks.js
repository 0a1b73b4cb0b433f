// The marks of workers and groups: filled = moving, ring = still, open ring = late, grey ring = stale. The legend shows the same drawings.
import { readTokens } from "./theme.js";

const SMALLEST_TEXT_PX = 12;

export const isStale = (state) => state === "stale" || state === "silent";

function begin(pixels, shift = 0) {
  const ratio = devicePixelRatio || 1;
  const mark = document.createElement("canvas");
  mark.width = mark.height = Math.ceil(pixels * ratio);
  mark.style.width = `${mark.width / ratio}px`;
  const pen = mark.getContext("2d");
  pen.scale(ratio, ratio);
  if (shift) pen.translate(shift.x / ratio, shift.y / ratio);
  return { mark, pen, middle: mark.width / ratio / 2 };
}

/** A canvas with the mark of a state; `shift`: by parts of a device pixel. */
export function drawMark(state, radius, colours = readTokens(), shift = 0) {
  if (state === "sos") return drawAlarm(radius, colours);
  const { mark, pen, middle } = begin(2 * radius + 4, shift);
  const arc = (size, end = 2 * Math.PI) => {
    pen.beginPath();
    pen.arc(middle, middle, size, 0, end);
  };
  arc(radius + 1.5);
  pen.fillStyle = colours.ground;
  pen.fill();
  if (state === "moving") {
    arc(radius);
    pen.fillStyle = colours.worker;
    pen.fill();
    return mark;
  }
  pen.lineWidth = Math.max(1.5, radius * 0.42);
  pen.strokeStyle = isStale(state) ? colours.stale : colours.worker;
  if (state === "unconfirmed") pen.setLineDash([radius * 0.6, radius * 0.45]);
  arc(radius - pen.lineWidth / 2 + 0.5, state === "late" ? 1.5 * Math.PI : 2 * Math.PI);
  pen.stroke();
  return mark;
}

/** A call for help: an octagon, larger than any dot, that says so. */
function drawAlarm(radius, colours) {
  const size = radius + 7;
  const { mark, pen, middle } = begin(2 * size + 4);
  pen.beginPath();
  for (let corner = 0; corner < 8; corner++) {
    const angle = Math.PI / 8 + (corner * Math.PI) / 4;
    pen[corner ? "lineTo" : "moveTo"](middle + size * Math.cos(angle), middle + size * Math.sin(angle));
  }
  pen.closePath();
  pen.fillStyle = colours.worker;
  pen.fill();
  pen.lineWidth = 2;
  pen.strokeStyle = colours.text;
  pen.stroke();
  pen.fillStyle = colours.ground;
  const isSmall = size * 0.78 < SMALLEST_TEXT_PX;
  pen.font = `600 ${size * (isSmall ? 1.4 : 0.78)}px sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(isSmall ? "!" : "SOS", middle, middle + 0.5);
  return mark;
}

/** The ring around the chosen one. */
export function drawChosen(radius, colours) {
  const { mark, pen, middle } = begin(2 * radius + 18);
  pen.beginPath();
  pen.arc(middle, middle, radius + 6, 0, 2 * Math.PI);
  pen.lineWidth = 2;
  pen.strokeStyle = colours.info;
  pen.stroke();
  return mark;
}

/** A group: how many, and on the ring the share of them that moves. */
export function drawGroup({ count, moving }, radius, font, colours) {
  const { mark, pen, middle } = begin(2 * radius + 4);
  const width = Math.max(2.5, radius * 0.16);
  pen.beginPath();
  pen.arc(middle, middle, radius, 0, 2 * Math.PI);
  pen.fillStyle = colours.panel;
  pen.fill();
  pen.lineWidth = width;
  pen.beginPath();
  pen.arc(middle, middle, radius - width / 2, 0, 2 * Math.PI);
  pen.strokeStyle = colours.edge;
  pen.stroke();
  pen.beginPath();
  pen.arc(middle, middle, radius - width / 2, -Math.PI / 2, -Math.PI / 2 + (2 * Math.PI * moving) / count);
  pen.strokeStyle = colours.worker;
  pen.stroke();
  pen.fillStyle = colours.text;
  pen.font = font;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(String(count), middle, middle + 0.5);
  return mark;
}
