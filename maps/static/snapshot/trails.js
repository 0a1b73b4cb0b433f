/* Trails on one canvas: a thin line that fades with age, a red dot for each fix, gaps dashed, stays as rings.
   people: [{name, parts: [{gap, xy: [lon, lat, …], at: [s since start, …]}], stays: [{lon, lat, at, seconds}]}] */
const WanggeTrails = L.Layer.extend({
  initialize(people, look, span) {
    this.people = people;
    this.look = look; // colours and sizes
    this.span = span; // [first, last] second, and the clock of second 0 in ms
  },
  onAdd(map) {
    map.createPane("trails").style.zIndex = 645; // people above all but tooltips
    this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-hide", map.getPane("trails"));
    this.canvas.style.pointerEvents = "none";
    this.canvas.setAttribute("aria-hidden", "true");
    map.on("moveend zoomend resize viewreset", this.draw, this);
    map.on("mousemove click", this.tell, this);
    this.draw();
  },
  onRemove(map) {
    map.off("moveend zoomend resize viewreset", this.draw, this);
    map.off("mousemove click", this.tell, this);
    this.canvas.remove();
  },
  alpha(at) {
    const [first, last] = this.span;
    return 0.2 + 0.8 * (last > first ? (at - first) / (last - first) : 1);
  },
  draw() {
    const size = this._map.getSize();
    const ratio = window.devicePixelRatio || 1;
    Object.assign(this.canvas, { width: size.x * ratio, height: size.y * ratio });
    Object.assign(this.canvas.style, { width: `${size.x}px`, height: `${size.y}px` });
    L.DomUtil.setPosition(this.canvas, this._map.containerPointToLayerPoint([0, 0]));
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.lineJoin = pen.lineCap = "round";
    this.seen = [];
    for (const person of this.people) for (const part of person.parts) this.project(person, part, size);
    for (const { part, points } of this.seen) part.gap ? this.drawGap(pen, points) : this.drawLine(pen, part, points);
    this.drawDots(pen, size);
    this.written = [];
    for (const person of this.people) for (const stay of person.stays) this.drawStay(pen, stay, size);
  },
  project(person, part, size) {
    const points = [];
    let near = false;
    for (let n = 0; n < part.xy.length; n += 2) {
      const at = this._map.latLngToContainerPoint([part.xy[n + 1], part.xy[n]]);
      points.push(at.x, at.y);
      near ||= at.x > -50 && at.y > -50 && at.x < size.x + 50 && at.y < size.y + 50;
    }
    if (near) this.seen.push({ person, part, points });
  },
  drawGap(pen, [x, y, toX, toY]) {
    pen.setLineDash([2, 6]);
    pen.globalAlpha = 0.9;
    pen.strokeStyle = this.look.gap;
    pen.lineWidth = 1.25;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(toX, toY);
    pen.stroke();
    pen.setLineDash([]);
  },
  drawLine(pen, part, points) {
    pen.strokeStyle = this.look.line;
    pen.lineWidth = 1.25;
    for (let start = 0; start + 1 < part.at.length; start += 24) {
      const end = Math.min(start + 24, part.at.length - 1);
      pen.globalAlpha = 0.7 * this.alpha(part.at[end]);
      pen.beginPath();
      pen.moveTo(points[2 * start], points[2 * start + 1]);
      for (let n = start + 1; n <= end; n += 1) pen.lineTo(points[2 * n], points[2 * n + 1]);
      pen.stroke();
    }
  },
  /* One path for each of eight ages: thousands of dots are filled at once, and one that hides another is left out. */
  drawDots(pen, size) {
    const radius = this.dotRadius();
    const ages = Array.from({ length: 8 }, () => new Path2D());
    const taken = new Set();
    for (const { part, points } of this.seen.toReversed()) {
      for (let n = part.gap ? -1 : part.at.length - 1; n >= 0; n -= 1) {
        const x = points[2 * n];
        const y = points[2 * n + 1];
        if (x < -5 || y < -5 || x > size.x + 5 || y > size.y + 5) continue;
        const age = Math.round((this.alpha(part.at[n]) - 0.2) * 8.75);
        const place = (Math.round(x * 2) * 16384 + Math.round(y * 2)) * 8 + age;
        if (taken.has(place)) continue;
        taken.add(place);
        if (radius < 1.5) ages[age].rect(x - radius, y - radius, 2 * radius, 2 * radius);
        else {
          ages[age].moveTo(x + radius, y);
          ages[age].arc(x, y, radius, 0, 7);
        }
      }
    }
    pen.fillStyle = this.look.dot;
    ages.forEach((path, age) => {
      pen.globalAlpha = 0.2 + age / 8.75;
      pen.fill(path);
    });
  },
  dotRadius() {
    const few = this.look.fixes < 3000;
    return Math.max(few ? 1.6 : 0.9, Math.min(few ? 4 : 3, (this._map.getZoom() - (few ? 11 : 12)) * 0.9));
  },
  drawStay(pen, stay, size) {
    const at = this._map.latLngToContainerPoint([stay.lat, stay.lon]);
    if (at.x < -20 || at.y < -20 || at.x > size.x + 20 || at.y > size.y + 20) return;
    const big = this._map.getZoom() - (this.look.fixes < 3000 ? 0 : 2);
    if (big < 12) return;
    const radius = Math.min(14, 4 + Math.sqrt(stay.seconds / 60));
    pen.globalAlpha = 1;
    pen.strokeStyle = this.look.halo;
    pen.lineWidth = 5;
    pen.beginPath();
    pen.arc(at.x, at.y, radius, 0, 7);
    pen.stroke();
    pen.strokeStyle = this.look.stay;
    pen.lineWidth = 2;
    pen.stroke();
    if (big >= 14) this.writeMinutes(pen, stay, at, radius);
  },
  writeMinutes(pen, stay, at, radius) {
    const beside = ([x, y]) => Math.abs(x - at.x) < 48 && Math.abs(y - at.y) < 18;
    if (this.written.some(beside)) return;
    this.written.push([at.x, at.y]);
    const text = `${Math.round(stay.seconds / 60)} 分`;
    pen.font = `600 12px ${this.look.font}`;
    pen.textBaseline = "middle";
    pen.strokeStyle = this.look.halo;
    pen.lineWidth = 3;
    pen.strokeText(text, at.x + radius + 4, at.y);
    pen.fillStyle = this.look.stay;
    pen.fillText(text, at.x + radius + 4, at.y);
  },
  /* The fix nearest to the pointer: whose, and when. */
  tell(event) {
    const { x, y } = event.containerPoint;
    let best = 12 * 12;
    let found = null;
    for (const { person, part, points } of this.seen) {
      for (let n = 0; n < part.at.length; n += 1) {
        const far = (points[2 * n] - x) ** 2 + (points[2 * n + 1] - y) ** 2;
        if (far < best) [best, found] = [far, { person, part, n }];
      }
    }
    if (!found) {
      if (this.tip) this.tip.remove();
      return;
    }
    const { person, part, n } = found;
    this.tip ??= L.tooltip({ direction: "top", offset: [0, -6] });
    const stay = person.stays.find((one) => part.at[n] >= one.at && part.at[n] <= one.at + one.seconds);
    const lines = [person.name, this.clock(part.at[n])];
    if (stay) lines.push(`停留 ${Math.round(stay.seconds / 60)} 分，${this.clock(stay.at)} 起`);
    this.tip.setLatLng([part.xy[2 * n + 1], part.xy[2 * n]]).setContent(wanggeTip(lines));
    if (!this._map.hasLayer(this.tip)) this.tip.addTo(this._map);
  },
  clock(at) {
    const local = new Date(this.span[2] + at * 1000).toISOString(); // span[2] is already in the city's zone
    return this.span[1] < 86400 ? local.slice(11, 19) : local.slice(5, 19).replace("T", " ");
  },
});
