/* Many small dots on one canvas, those of the same place darker. xy: [lon, lat, …] */
const WanggeDots = L.Layer.extend({
  initialize(xy, look) {
    this.xy = xy;
    this.look = look; // {color, zoom (from which they show)}
  },
  onAdd(map) {
    map.createPane("dots").style.zIndex = 620;
    this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-hide", map.getPane("dots"));
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
    Object.assign(this.canvas, { width: size.x * ratio, height: size.y * ratio });
    Object.assign(this.canvas.style, { width: `${size.x}px`, height: `${size.y}px` });
    L.DomUtil.setPosition(this.canvas, this._map.containerPointToLayerPoint([0, 0]));
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.fillStyle = this.look.color;
    const zoom = this._map.getZoom();
    const radius = Math.max(0.8, Math.min(3, (zoom - 10) * 0.5));
    pen.globalAlpha = zoom > 14 ? 0.7 : 0.45;
    for (let n = 0; n < this.xy.length; n += 2) {
      const at = this._map.latLngToContainerPoint([this.xy[n + 1], this.xy[n]]);
      if (at.x < 0 || at.y < 0 || at.x > size.x || at.y > size.y) continue;
      pen.beginPath();
      pen.arc(at.x, at.y, radius, 0, 7);
      pen.fill();
    }
  },
});
