// The four kinds of plots: curves, cells, bars and dots, all on uPlot's axes, with the same margins so that plots above
// and beside each other line up.

const FONT = '12px system-ui, "DejaVu Sans", sans-serif';
const MARGIN = { left: 64, bottom: 46, top: 8, right: 14 };
const drawn = new Map(); // element -> plot

function axis(label, side, more = {}) {
  const grid = { stroke: css("--grid"), width: 1 };
  const size = side === 3 ? MARGIN.left - 18 : MARGIN.bottom - 18;
  return { label, side, stroke: css("--quiet"), grid, ticks: { ...grid, size: 5 }, font: FONT, labelFont: FONT, labelSize: 18, labelGap: 0, size, gap: 4,
    values: (u, splits) => splits.map(x => (x === null ? "" : short(+x.toPrecision(6)))), ...more };
}

// Put a plot where there may be one already. A plot says what it shows to those who do not see it.
function put(element, says, options, data) {
  drawn.get(element)?.destroy();
  element.replaceChildren();
  const size = { width: Math.max(element.clientWidth, 200), padding: [MARGIN.top, MARGIN.right, 0, 0] };
  const plot = new uPlot({ ...size, ...options }, data, element);
  plot.ctx.canvas.setAttribute("role", "img");
  plot.ctx.canvas.setAttribute("aria-label", says);
  drawn.set(element, plot);
  return plot;
}

// Plots follow the width of their panel.
const follow = new ResizeObserver(entries => {
  for (const { target } of entries) {
    const plot = drawn.get(target);
    if (plot && target.clientWidth && plot.width !== target.clientWidth) panelOf(target).draw();
  }
});

const inFrame = (plot, paint) => {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  paint(ctx, bbox);
  ctx.restore();
};
const invisible = { stroke: "transparent", points: { show: false } };
const still = { drag: { setScale: false, x: false, y: false } };

// Both axes in the same unit: the range that is too short for the frame is extended.
function square([left, right], [low, high], width, height) {
  const across = (right - left) / (width - MARGIN.left - MARGIN.right);
  const up = (high - low) / (height - MARGIN.top - MARGIN.bottom);
  const unit = Math.max(across, up, 1e-300);
  const stretch = (a, b, pixel) => [(a + b) / 2 - (b - a) / 2 * unit / pixel, (a + b) / 2 + (b - a) / 2 * unit / pixel];
  return [stretch(left, right, across), stretch(low, high, up)];
}

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const power = exponent => "10" + String(exponent).replace(/./g, c => (c === "-" ? "⁻" : SUPERSCRIPT[+c]));

// An axis of powers of ten, not more labels than fit.
function decades(label, side, [low, high], labels, more = {}) {
  const first = Math.floor(Math.log10(low) + 1e-9), last = Math.ceil(Math.log10(high) - 1e-9);
  const step = Math.max(1, Math.ceil((last - first) / labels));
  const at = [];
  for (let exponent = last; exponent >= first; exponent -= step) at.unshift(exponent);
  return axis(label, side, { splits: () => at.map(exponent => 10 ** exponent), values: () => at.map(power), filter: (u, splits) => splits, ...more });
}
