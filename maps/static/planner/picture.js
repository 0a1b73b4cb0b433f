// What stands still while somebody moves the map: thousands of borders are drawn into a picture larger than the view, and while
// the map pans or zooms that picture alone is moved and scaled. It is drawn again when the map rests, or shows too little.
import { el } from "../wall/dom.js";

/** Of the view's width and height, to each side of it. */
const MARGIN = 0.2;
/** How much larger than drawn the picture may be shown while the map moves. */
const LARGEST = 4;
/** So long the map moves on before a picture that shows too little is drawn again. */
const PAUSE_MS = 250;
/** So long the map has come to rest before it is drawn again: a wheel turns on and on. */
export const REST_MS = 120;

/** Draws only when its view is set, or its layers change while the map above rests. */
class Picture extends ol.Map {
  held = false;
  late = false;

  render() {
    if (this.held) this.late = true;
    else super.render();
  }

  hold(wanted) {
    this.held = wanted;
    if (wanted || !this.late) return;
    this.late = false;
    this.render();
  }
}

/** A map of these layers beneath another map, as it looks where that one looks. */
export function layPicture(above, layers) {
  const frame = el("div", { class: "picture", "aria-hidden": "true" });
  above.getViewport().prepend(frame);
  const view = new ol.View({ center: [0, 0], zoom: 2, maxZoom: 23, enableRotation: false, multiWorld: true });
  const picture = new Picture({ target: frame, layers, controls: [], interactions: [], view });
  let drawn = null; // the view state that the picture shows
  let asked = -PAUSE_MS;
  let resting = 0;

  const size = () => {
    const [width, height] = above.getSize() ?? [0, 0];
    const [x, y] = [Math.ceil(width * MARGIN), Math.ceil(height * MARGIN)];
    Object.assign(frame.style, { left: `${-x}px`, top: `${-y}px`, width: `${width + 2 * x}px`, height: `${height + 2 * y}px` });
    picture.updateSize();
  };
  const follow = () => {
    const { center, resolution } = above.getView().getState();
    asked = performance.now();
    clearTimeout(resting);
    picture.hold(false);
    view.setCenter(center);
    view.setResolution(resolution);
  };
  const place = () => {
    if (drawn === null) return;
    const { center, resolution } = above.getView().getState();
    const scale = drawn.resolution / resolution;
    const shift = [(drawn.center[0] - center[0]) / resolution, (center[1] - drawn.center[1]) / resolution];
    frame.style.transform = scale === 1 && !shift[0] && !shift[1] ? "" : `translate(${shift[0]}px, ${shift[1]}px) scale(${scale})`;
    const [width, height] = above.getSize();
    const bare = [width, height].some((long, axis) => Math.abs(shift[axis]) > (long / 2 + Math.ceil(long * MARGIN)) * scale - long / 2);
    if ((bare || scale > LARGEST) && performance.now() - asked > PAUSE_MS) follow();
  };
  picture.on("postrender", ({ frameState }) => {
    if (frameState === null) return;
    drawn = frameState.viewState;
    place();
  });
  above.on("change:size", () => {
    size();
    follow();
  });
  above.on("movestart", () => {
    clearTimeout(resting);
    picture.hold(true);
  });
  above.on("postrender", place);
  above.on("moveend", () => {
    clearTimeout(resting);
    resting = setTimeout(follow, REST_MS);
  });
  size();
}
