/* The frame of a one-file map: fits the ground beside the panel, scale bar, switches, tooltips made of text alone. */
function wanggeFrame(map, layers, bounds) {
  const narrow = window.matchMedia("(width <= 700px)").matches;
  const panel = document.querySelector(".panel");
  if (narrow) panel.querySelector("details").open = false;
  const ground = L.latLngBounds([bounds[1], bounds[0]], [bounds[3], bounds[2]]);
  const fit = () =>
    map.fitBounds(ground, {
      animate: false,
      paddingTopLeft: narrow ? [8, 56] : [panel.offsetWidth + 40, 24],
      paddingBottomRight: narrow ? [8, panel.offsetHeight + 16] : [24, 56],
    });
  fit();
  map.setMaxBounds(ground.pad(1.5));
  L.control.scale({ imperial: false, position: narrow ? "bottomleft" : "bottomright" }).addTo(map);
  L.DomEvent.disableClickPropagation(panel);
  L.DomEvent.disableScrollPropagation(panel);
  const boxes = [...panel.querySelectorAll("input[data-layer]")];
  const show = () => {
    for (const box of boxes) {
      const { layer, zoom } = layers[box.dataset.layer];
      const near = map.getZoom() >= zoom;
      const hint = box.parentElement.querySelector("em");
      if (hint) hint.hidden = near;
      if (box.checked && near) {
        if (!map.hasLayer(layer)) layer.addTo(map);
      } else layer.remove();
    }
    for (const box of boxes) if (map.hasLayer(layers[box.dataset.layer].layer)) raise(layers[box.dataset.layer].layer);
  };
  const raise = (layer) => layer.bringToFront && layer.bringToFront();
  boxes.forEach((box) => box.addEventListener("change", show));
  map.on("zoomend", show);
  show();
  const zoom = document.querySelector(".leaflet-control-zoom-in");
  zoom.title = "放大 Zoom in";
  document.querySelector(".leaflet-control-zoom-out").title = "缩小 Zoom out";
  map.getContainer().setAttribute("aria-label", document.querySelector("h1").textContent);
}

/* The first line bold, the others below it; nothing in them is taken for markup. */
function wanggeTip(lines) {
  const tip = document.createElement("div");
  lines.forEach((line, place) => {
    tip.appendChild(document.createElement(place ? "span" : "b")).textContent = line;
    if (place < lines.length - 1) tip.append("\n");
  });
  return tip;
}

/* The quiet ground: [layer, zoom from which it shows] from the root level down, all below whatever else is shown. */
function wanggeGround(map, levels) {
  map.on("zoomend", () => {
    for (const [layer, zoom] of levels) {
      if (map.getZoom() >= zoom) layer.addTo(map);
      else layer.remove();
    }
    for (const [layer] of levels.toReversed()) if (map.hasLayer(layer)) layer.bringToBack();
  });
}

/* Lines of text for each shape of a layer, by its place in the file. */
function wanggeTips(layer, tips) {
  layer.eachLayer((shape) => shape.bindTooltip(() => wanggeTip(tips[shape.feature.id]), { sticky: true }));
}
