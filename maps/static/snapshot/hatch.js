/* A layer of shapes on canvas filled with slanted lines: nothing is known there. `ink` is a colour, `paper` the one between. */
function wanggeHatch(layer, { ink, paper }) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.fillStyle = paper;
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = ink;
  for (const shift of [-8, 0, 8]) {
    pen.moveTo(shift, 8);
    pen.lineTo(shift + 8, 0);
  }
  pen.stroke();
  const fill = { fillColor: pen.createPattern(tile, "repeat"), fillOpacity: 1 };
  const before = layer.options.style; // the pointer's coming and going sets the style anew
  layer.options.style = (feature) => ({ ...before(feature), ...fill });
  layer.setStyle(layer.options.style);
}
