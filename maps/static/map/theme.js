// Colours of the map, read from the tokens, so that no colour is written twice.
const names = {
  ground: "--ground",
  panel: "--panel",
  raised: "--raised",
  line: "--line",
  edge: "--edge",
  text: "--text",
  muted: "--muted",
  worker: "--worker",
  warn: "--warn",
  good: "--good",
  info: "--info",
  stale: "--stale",
  unitFill: "--unit-fill",
  unitLine: "--unit-line",
  unitHover: "--unit-hover",
  unitLabel: "--unit-label",
};

export function readTokens() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(Object.entries(names).map(([key, name]) => [key, style.getPropertyValue(name).trim()]));
}

/** How much larger than on a desk everything is drawn: a wall of twice the width writes and draws twice as large. */
export const scaleNow = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

/** The family list of the page for labels drawn by the map. */
export function labelFont() {
  return getComputedStyle(document.documentElement).getPropertyValue("--font").trim();
}
