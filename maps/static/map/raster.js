// Thousands of small marks a frame without a graphics card: pixels written by hand, handed to the canvas in one piece.
// Measured beside instanced quads in the map's WebGL context, this is several times cheaper where GL is software, and the map
// itself need not be painted again while people glide over it.

const PARTS = 4; // a mark stands at quarters of a pixel
const OPAQUE = 128;

/** A mark for `Raster.put`. `draw(shift)` gives its canvas, moved by parts of a device pixel. */
export function makeStamp(draw) {
  const variants = [];
  let size = 0;
  for (let part = 0; part < PARTS * PARTS; part++) {
    const picture = draw({ x: (part % PARTS) / PARTS, y: Math.floor(part / PARTS) / PARTS });
    size = picture.width;
    variants.push(readPixels(picture));
  }
  return { size, variants, stride: 0 };
}

function readPixels(picture) {
  const { width, height } = picture;
  const words = new Uint32Array(picture.getContext("2d").getImageData(0, 0, width, height).data.buffer);
  const places = [];
  const colours = [];
  words.forEach((word, at) => {
    if (word >>> 24 < OPAQUE) return;
    places.push({ x: at % width, y: Math.floor(at / width) });
    colours.push((word | 0xff000000) >>> 0);
  });
  return { places, colours: Uint32Array.from(colours), offsets: new Int32Array(places.length) };
}

/** Offsets in rows of this many pixels. */
function lay(stamp, stride) {
  stamp.stride = stride;
  for (const { places, offsets } of stamp.variants) places.forEach(({ x, y }, index) => (offsets[index] = y * stride + x));
}

export class Raster {
  constructor(canvas) {
    this.pen = canvas.getContext("2d", { willReadFrequently: true });
    this.fit(1, 1);
  }

  /** Device pixels. */
  fit(width, height) {
    const { canvas } = this.pen;
    canvas.width = this.width = Math.max(1, Math.round(width));
    canvas.height = this.height = Math.max(1, Math.round(height));
    this.image = this.pen.createImageData(this.width, this.height);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  begin() {
    this.words.fill(0);
  }

  /** A stamp with its middle at x, y (device pixels); one that does not lie wholly inside is left out. */
  put(stamp, x, y) {
    const { width, height, words } = this;
    const left = x - stamp.size / 2;
    const top = y - stamp.size / 2;
    const column = Math.floor(left);
    const row = Math.floor(top);
    if (column < 0 || row < 0 || column + stamp.size > width || row + stamp.size > height) return;
    if (stamp.stride !== width) lay(stamp, width);
    const part = Math.floor((left - column) * PARTS) + PARTS * Math.floor((top - row) * PARTS);
    const { offsets, colours } = stamp.variants[part];
    const from = row * width + column;
    for (let at = 0; at < offsets.length; at++) words[from + offsets[at]] = colours[at];
  }

  /** Everything put so far onto the canvas; pictures drawn after it lie above. */
  show() {
    this.pen.setTransform(1, 0, 0, 1, 0, 0);
    this.pen.putImageData(this.image, 0, 0);
  }

  /** A picture with its middle at x, y. */
  draw(picture, x, y) {
    this.pen.drawImage(picture, Math.round(x - picture.width / 2), Math.round(y - picture.height / 2));
  }
}
