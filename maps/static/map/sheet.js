// A sheet of small pictures for the graphics card: each drawn once, found again by its key.

const WIDTH = 1024;
const TALLEST = 4096;

export class Sheet {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.changed = true;
    this.clear(256);
  }

  clear(height = this.canvas.height) {
    this.canvas.width = WIDTH;
    this.canvas.height = height;
    this.pen = this.canvas.getContext("2d");
    this.places = new Map();
    this.x = this.y = this.shelf = 0;
    this.isFull = false;
    this.changed = true;
  }

  /** The place of a picture, { u, v, w, h, width, height } (shares of the sheet; CSS pixels); null when the sheet is full. */
  find(key, draw) {
    return this.places.get(key) ?? this.#put(key, draw());
  }

  #put(key, picture) {
    const { width, height } = picture;
    if (this.x + width + 2 > WIDTH) {
      this.y += this.shelf;
      this.x = this.shelf = 0;
    }
    if (width + 2 > WIDTH || this.y + height + 2 > this.canvas.height) {
      this.isFull = true;
      return null;
    }
    this.pen.drawImage(picture, this.x + 1, this.y + 1);
    const ratio = devicePixelRatio || 1;
    const all = this.canvas.height;
    const found = { u: (this.x + 1) / WIDTH, v: (this.y + 1) / all, w: width / WIDTH, h: height / all, width: width / ratio, height: height / ratio };
    this.places.set(key, found);
    this.x += width + 2;
    this.shelf = Math.max(this.shelf, height + 2);
    this.changed = true;
    return found;
  }

  /** A sheet that was full begins again, taller; true when that was possible. */
  grow() {
    if (this.canvas.height >= TALLEST) return false;
    this.clear(this.canvas.height * 2);
    return true;
  }
}
