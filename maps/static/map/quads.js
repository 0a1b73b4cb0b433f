// Many small pictures in one draw call, in the map's own WebGL context. The graphics card moves them, so that a frame costs the page nothing.

const FLOATS = 14;

const VERTEX = `#version 300 es
layout(location = 0) in vec2 corner;
layout(location = 1) in vec4 path;
layout(location = 2) in vec2 time;
layout(location = 3) in vec4 box;
layout(location = 4) in vec4 piece;
uniform vec2 origin;
uniform vec2 screen;
uniform float world;
uniform float now;
uniform float ratio;
out vec2 spot;
void main() {
  float share = time.y > time.x ? clamp((now - time.x) / (time.y - time.x), 0.0, 1.0) : 1.0;
  vec2 at = mix(path.xy, path.zw, share) * world + origin + box.zw;
  // The upper left corner on a whole pixel: the picture stays sharp.
  vec2 start = floor((at - 0.5 * box.xy) * ratio + 0.5) / ratio;
  vec2 pixel = start + corner * box.xy;
  gl_Position = vec4(pixel.x / screen.x * 2.0 - 1.0, 1.0 - pixel.y / screen.y * 2.0, 0.0, 1.0);
  spot = piece.xy + corner * piece.zw;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
uniform sampler2D sheet;
in vec2 spot;
out vec4 colour;
void main() {
  colour = texture(sheet, spot);
}`;

/** A list of quads: `add(item, place, offset)`; times are kept relative to `base`, positions to `origin`, where numbers are fine. */
export class Quads {
  constructor() {
    this.data = new Float32Array(1024 * FLOATS);
    this.count = 0;
    this.changed = true;
  }

  begin(origin, base) {
    Object.assign(this, { origin, base, count: 0, changed: true });
  }

  /** `item`: { from, to, since, until } as of glide.js; `place`: of a Sheet. */
  add(item, place, right = 0, down = 0) {
    if ((this.count + 1) * FLOATS > this.data.length) {
      const larger = new Float32Array(this.data.length * 2);
      larger.set(this.data);
      this.data = larger;
    }
    const { origin, base, data } = this;
    let at = this.count++ * FLOATS;
    data[at++] = item.from.x - origin.x;
    data[at++] = item.from.y - origin.y;
    data[at++] = item.to.x - origin.x;
    data[at++] = item.to.y - origin.y;
    data[at++] = item.since - base;
    data[at++] = item.until - base;
    data[at++] = place.width;
    data[at++] = place.height;
    data[at++] = right;
    data[at++] = down;
    data[at++] = place.u;
    data[at++] = place.v;
    data[at++] = place.w;
    data[at] = place.h;
  }
}

/** What draws pairs of { quads, sheet } with one program; made again should the graphics card lose its memory. */
export class Painter {
  constructor(gl, pairs) {
    this.gl = gl;
    this.program = link(gl);
    this.at = Object.fromEntries(["origin", "screen", "world", "now", "ratio"].map((name) => [name, gl.getUniformLocation(this.program, name)]));
    this.corners = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.corners);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
    this.parts = pairs.map((pair) => this.#part(pair));
  }

  #part({ quads, sheet }) {
    const { gl } = this;
    const part = { quads, sheet, buffer: gl.createBuffer(), texture: gl.createTexture(), array: gl.createVertexArray() };
    gl.bindVertexArray(part.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.corners);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, part.buffer);
    let offset = 0;
    [4, 2, 4, 4].forEach((size, index) => {
      gl.enableVertexAttribArray(index + 1);
      gl.vertexAttribPointer(index + 1, size, gl.FLOAT, false, FLOATS * 4, offset);
      gl.vertexAttribDivisor(index + 1, 1);
      offset += size * 4;
    });
    gl.bindVertexArray(null);
    quads.changed = sheet.changed = true;
    return part;
  }

  /** `view`: { middle: of the screen on the ground, point: its place on the screen, world: pixels, width, height, ratio }. */
  draw(view, now) {
    const { gl, at } = this;
    gl.useProgram(this.program);
    gl.uniform2f(at.screen, view.width, view.height);
    gl.uniform1f(at.world, view.world);
    gl.uniform1f(at.ratio, view.ratio);
    gl.activeTexture(gl.TEXTURE0);
    for (const part of this.parts) if (part.quads.count) this.#drawPart(part, view, now);
    gl.bindVertexArray(null);
  }

  #drawPart({ quads, sheet, buffer, texture, array }, view, now) {
    const { gl, at } = this;
    gl.bindTexture(gl.TEXTURE_2D, texture);
    if (sheet.changed) upload(gl, sheet.canvas);
    sheet.changed = false;
    gl.bindVertexArray(array);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    if (quads.changed) gl.bufferData(gl.ARRAY_BUFFER, quads.data.subarray(0, quads.count * FLOATS), gl.DYNAMIC_DRAW);
    quads.changed = false;
    gl.uniform2f(at.origin, (quads.origin.x - view.middle.x) * view.world + view.point.x, (quads.origin.y - view.middle.y) * view.world + view.point.y);
    gl.uniform1f(at.now, now - quads.base);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, quads.count);
  }

  remove() {
    const { gl } = this;
    gl.deleteProgram(this.program);
    gl.deleteBuffer(this.corners);
    for (const { buffer, texture, array } of this.parts) {
      gl.deleteBuffer(buffer);
      gl.deleteTexture(texture);
      gl.deleteVertexArray(array);
    }
  }
}

function upload(gl, canvas) {
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
  gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, canvas);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}

function link(gl) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program));
  return program;
}
