/* Names on the map: drawn on one canvas, those of upper levels first, none over another. */
const WanggeLabels = L.Layer.extend({
  initialize(labels, colors) {
    this.labels = labels; // [{lon, lat, text, zoom (from which it shows), size, strong}]
    this.colors = colors; // {text, halo, font}
  },
  onAdd(map) {
    map.createPane("names").style.zIndex = 640; // above shapes, below tooltips
    this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-hide", map.getPane("names"));
    this.canvas.style.pointerEvents = "none";
    this.canvas.setAttribute("aria-hidden", "true");
    map.on("moveend zoomend resize viewreset", this.draw, this);
    this.draw();
  },
  onRemove(map) {
    map.off("moveend zoomend resize viewreset", this.draw, this);
    this.canvas.remove();
  },
  draw() {
    const size = this._map.getSize();
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = size.x * ratio;
    this.canvas.height = size.y * ratio;
    this.canvas.style.width = `${size.x}px`;
    this.canvas.style.height = `${size.y}px`;
    L.DomUtil.setPosition(this.canvas, this._map.containerPointToLayerPoint([0, 0]));
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.strokeStyle = this.colors.halo;
    pen.fillStyle = this.colors.text;
    const taken = [];
    for (const label of this.labels) {
      if (this._map.getZoom() >= label.zoom) this.write(pen, label, size, taken);
    }
  },
  write(pen, label, size, taken) {
    const at = this._map.latLngToContainerPoint([label.lat, label.lon]);
    if (at.x < 0 || at.y < 0 || at.x > size.x || at.y > size.y) return;
    pen.font = `${label.strong ? 600 : 400} ${label.size}px ${this.colors.font}`;
    const half = pen.measureText(label.text).width / 2 + 4;
    const box = [at.x - half, at.y - label.size * 0.8, at.x + half, at.y + label.size * 0.8];
    if (taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) return;
    taken.push(box);
    pen.lineWidth = 3;
    pen.strokeText(label.text, at.x, at.y);
    pen.fillText(label.text, at.x, at.y);
  },
});
