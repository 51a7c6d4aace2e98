// The panels: what each shows, of which curve, at which times.

const $ = id => document.getElementById(id);
const state = { curve: 0, band: 2, singles: true, span: null, at: Math.max(COLUMNS - 1, 0), onward: false, across: DATA.plane?.[0] ?? 0, up: DATA.plane?.[1] ?? 0 };
const some = DATA.trajectories > 0 && TIMES.length > 0;
const ALL_TIMES = [TIMES[0] ?? 0, TIMES[TIMES.length - 1] ?? 1];
const trajectories = `${DATA.trajectories} ${DATA.trajectories === 1 ? "trajectory" : "trajectories"}`;

const panels = [];
const panelOf = element => panels.find(panel => panel.plot === element);

// `show(element)` draws and gives the note and whether the axis across is time.
function panel(id, show, timed = false) {
  const section = $(id);
  if (!section || section.hidden) return;
  const plot = section.querySelector(".plot");
  const draw = () => {
    const note = some ? show(plot) : "No trajectory is finished yet.";
    section.querySelector(".note").textContent = note;
    if (timed && some) stretch(plot);
  };
  panels.push({ id, section, plot, draw, timed });
  plot.tabIndex = 0;
  follow.observe(plot);
}

// Show the stretch of time that is chosen.
function stretch(element) {
  const [min, max] = state.span ?? ALL_TIMES;
  if (max > min) drawn.get(element)?.setScale("x", { min, max });
}

// A plot over time: dragging chooses a stretch of it for all such plots, which share the position of the pointer.
const overTime = (label, height, more) => ({
  height,
  scales: { x: { time: false }, ...more.scales },
  cursor: { drag: { setScale: false, x: true, y: false }, bind: { dblclick: () => () => zoom(null) },
    sync: { key: "time", scales: ["x", null], filters: { pub: kind => kind === "mousemove" || kind === "mouseleave" } } },
  axes: [axis(DATA.time, 2, { space: 60 }), label],
  series: more.series,
  bands: more.bands,
  legend: more.legend,
  hooks: { ...more.hooks, setSelect: [u => {
    if (u.select.width > 3) zoom([u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")]);
    u.setSelect({ width: 0, height: 0 }, false);
  }] },
});

function zoom(span) {
  const [first, last] = ALL_TIMES;
  if (span) {
    const length = Math.min(span[1] - span[0], last - first);
    const from = Math.min(Math.max(span[0], first), last - length);
    span = length > 0 && length < last - first ? [from, from + length] : null;
  }
  state.span = span;
  for (const { plot, timed } of panels) if (timed) stretch(plot);
  remember();
}

const onTime = { label: "t", value: (u, x) => short(x) };
const value = (u, x) => short(x);

panel("mean", element => {
  const { label, mean, sem, singles } = curve(state.curve);
  const series = [onTime], data = [TIMES], bands = [];
  const shown = state.singles ? singles : [];
  shown.forEach((values, k) => {
    series.push({ label: `#${DATA.singles[k]}`, stroke: line(k + 1) + (isDark() ? "a0" : "90"), width: 1, points: { show: false }, value });
    data.push(values);
  });
  if (state.band > 0) {
    for (const sign of [1, -1]) {
      series.push({ ...invisible, class: "silent" });
      data.push(mean.map((m, i) => (m === null || sem[i] === null ? null : m + sign * state.band * sem[i])));
    }
    bands.push({ series: [series.length - 2, series.length - 1], fill: line(0) + "55" });
  }
  series.push({ label: "mean", stroke: line(0), width: 2.5, points: { show: mean.length < 2 }, value });
  data.push(mean);
  series.push({ label: "SEM", class: "number", ...invisible, scale: "sem", value });
  data.push(sem);
  const says = `Mean of ${label} over ${trajectories}; at the end ${short(mean[mean.length - 1])} ± ${short(sem[sem.length - 1])}`;
  put(element, says, overTime(axis(label, 3), 330, { series, bands, scales: { sem: { auto: false, range: [0, 1] } } }), data);
  const drawnTimes = DATA.stride > 1 ? ` Every ${DATA.stride}th saved time is drawn.` : "";
  const band = state.band > 0 ? `; band: ± ${state.band} standard error${state.band > 1 ? "s" : ""} of it` : "";
  return `Thick line: mean over ${trajectories}${band}.${shown.length ? ` Thin lines: ${shown.length} of them.` : ""} Drag to choose a stretch of time, double-click for all.${drawnTimes}`;
}, true);

const BINS = COLUMNS ? counts(DATA.curves[0]?.density ?? [1, ""]).length / COLUMNS : 0;

// The largest share of a column in one bin, that of nine columns in ten: a column in which all agree would dim the rest.
function brightest(density) {
  const largest = CENTRES.map((_, column) => {
    const counted = density.subarray(column * BINS, (column + 1) * BINS);
    const all = counted.reduce((sum, n) => sum + n, 0);
    return all ? Math.max(...counted) / all : 0;
  });
  return largest.sort((a, b) => a - b)[Math.floor(0.9 * (COLUMNS - 1))] || 1;
}

panel("distribution", element => {
  const { label, low, high, density, quantiles } = curve(state.curve);
  const top = brightest(density);
  const sums = CENTRES.map((_, column) => density.subarray(column * BINS, (column + 1) * BINS).reduce((sum, n) => sum + n, 0) || 1);
  const cells = picture(COLUMNS, BINS, (x, y) => Math.sqrt(density[x * BINS + y] / sums[x] / top));
  const paint = u => inFrame(u, (ctx, box) => {
    const x = at => Math.round(u.valToPos(at, "x", true));
    ctx.imageSmoothingEnabled = false;
    for (let column = 0; column < COLUMNS; column++) {
      const left = x(EDGES[column]), right = x(EDGES[column + 1]);
      if (right > left) ctx.drawImage(cells, column, 0, 1, BINS, left, box.top, right - left, box.height);
    }
  });
  const mark = u => inFrame(u, (ctx, box) => {
    const at = Math.round(u.valToPos(CENTRES[state.at], "x", true)) + 0.5;
    ctx.strokeStyle = line(1);
    ctx.lineWidth = 2;
    ctx.setLineDash([5, 4]);
    ctx.beginPath();
    ctx.moveTo(at, box.top);
    ctx.lineTo(at, box.top + box.height);
    ctx.stroke();
  });
  const thin = { stroke: isDark() ? "#ffffffb0" : "#1b222cb0", points: { show: false }, value };
  const series = [onTime, { ...thin, label: "10 %", width: 1, dash: [3, 3] }, { ...thin, label: "median", width: 1.5 }, { ...thin, label: "90 %", width: 1, dash: [3, 3] }];
  const options = overTime(axis(label, 3, { grid: { show: false } }), 320, { series, scales: { y: { range: [low, high] } }, hooks: { drawAxes: [paint], draw: [mark] } });
  options.axes[0].grid = { show: false };
  const plot = put(element, `How often which value of ${label} occurs at which time`, options, [CENTRES, ...quantiles]);
  plot.over.addEventListener("click", () => { if (plot.cursor.idx !== null && plot.cursor.idx !== undefined) look(plot.cursor.idx); });
  scale(element, "share of the trajectories in a bin", short(top) + (top < 0.999 ? " or more" : ""));
  return `Share of ${trajectories} in each of ${BINS} bins of ${label}, with median and the range of the middle 80 %. Click for the histogram at a time.`;
}, true);

// The column of the histogram.
function look(column) {
  state.at = Math.min(Math.max(column, 0), Math.max(COLUMNS - 1, 0));
  $("at").value = state.at;
  for (const { id, draw, plot } of panels) {
    if (id === "histogram") draw();
    if (id === "distribution") drawn.get(plot)?.redraw(false, false);
  }
  remember();
}

panel("histogram", element => {
  const { label, low, high, density } = curve(state.curve);
  const until = state.onward ? COLUMNS : state.at + 1;
  const bins = Array.from({ length: BINS }, (_, bin) => {
    let sum = 0;
    for (let column = state.at; column < until; column++) sum += density[column * BINS + bin];
    return sum;
  });
  const all = bins.reduce((sum, n) => sum + n, 0) || 1, width = (high - low) / BINS;
  const heights = bins.map(n => n / all / width);
  const paint = u => inFrame(u, ctx => {
    ctx.fillStyle = line(0) + "b0";
    const x0 = u.valToPos(0, "x", true);
    heights.forEach((height, bin) => {
      if (!height) return;
      const bottom = Math.round(u.valToPos(low + bin * width, "y", true)), top = Math.round(u.valToPos(low + (bin + 1) * width, "y", true));
      ctx.fillRect(x0, top, Math.max(u.valToPos(height, "x", true) - x0, 1), Math.max(bottom - top - (bottom - top > 3 ? 1 : 0), 1));
    });
  });
  const when = state.onward ? `t = ${short(CENTRES[state.at])} and later` : `t = ${short(CENTRES[state.at])}`;
  const options = { height: 320, legend: { show: false }, cursor: still, scales: { x: { time: false, range: [0, Math.max(...heights) * 1.05] }, y: { range: [low, high] } },
    axes: [axis("density", 2, { space: 55 }), axis(label, 3)], series: [{}, invisible], hooks: { draw: [paint] } };
  put(element, `Histogram of ${label} at ${when}`, options, [[0, 1], [low, high]]);
  $("at").setAttribute("aria-valuetext", when);
  return `${label} at ${when}, over ${trajectories}.`;
});

function phases(element, husimi) {
  const { cells, extent, largest } = husimi, values = fractions(husimi.values);
  const image = picture(cells, cells, (x, y) => Math.sqrt(values[y * cells + x]));
  const height = 360, [across, up] = square([-extent, extent], [-extent, extent], element.clientWidth, height);
  const paint = u => inFrame(u, ctx => {
    const x = at => u.valToPos(at, "x", true), y = at => u.valToPos(at, "y", true);
    ctx.imageSmoothingQuality = "high";
    ctx.drawImage(image, x(-extent), y(extent), x(extent) - x(-extent), y(-extent) - y(extent));
  });
  const options = { height, legend: { show: false }, cursor: still, scales: { x: { time: false, range: across }, y: { range: up } },
    axes: [axis("Re α", 2), axis("Im α", 3)], series: [{}, invisible], hooks: { drawClear: [], drawAxes: [paint] } };
  for (const one of options.axes) one.grid = { show: false };
  put(element, `Husimi function of ${husimi.factor} at t = ${short(husimi.time)}`, options, [[-extent, extent], [-extent, extent]]);
  scale(element, "Q", short(largest));
  const missing = 1 - husimi.integral;
  return `t = ${short(husimi.time)}, mean over the kets of ${husimi.kets} trajectories. The integral over the frame is ${husimi.integral.toFixed(4)}${Math.abs(missing) > 0.01 ? "; the rest lies outside" : ""}.`;
}
DATA.husimi.forEach((husimi, at) => panel(`husimi-${at}`, element => phases(element, husimi)));

panel("plane", element => {
  const across = curve(state.across), up = curve(state.up), height = 360;
  const ends = ({ dots }) => dots.reduce(([low, high], x) => (x === null ? [low, high] : [Math.min(low, x), Math.max(high, x)]), [Infinity, -Infinity]);
  const room = ([low, high]) => { const more = 0.06 * (high - low) || 1; return [low - more, high + more]; };
  let ranges = [room(ends(across)), room(ends(up))];
  // A plane keeps its angles where both axes count in the same unit, and the one is not tiny beside the other.
  const [wide, tall] = ranges.map(([low, high]) => high - low);
  if (DATA.curves[state.across].unit === DATA.curves[state.up].unit && Math.max(wide, tall) < 8 * Math.min(wide, tall)) {
    ranges = square(...ranges, element.clientWidth, height);
  }
  const paint = u => inFrame(u, ctx => {
    const size = 2 * devicePixelRatio;
    ctx.fillStyle = line(0) + (across.dots.length > 1000 ? "80" : "c0");
    across.dots.forEach((x, k) => {
      if (x === null || up.dots[k] === null) return;
      ctx.fillRect(u.valToPos(x, "x", true) - size / 2, u.valToPos(up.dots[k], "y", true) - size / 2, size, size);
    });
  });
  const options = { height, legend: { show: false }, cursor: still, scales: { x: { time: false, range: ranges[0] }, y: { range: ranges[1] } },
    axes: [axis(across.label, 2), axis(up.label, 3)], series: [{}, invisible], hooks: { draw: [paint] } };
  put(element, `${up.label} against ${across.label}`, options, [ranges[0], ranges[1]]);
  return `Conditional expectations of single trajectories: ${across.dots.length} values, evenly from all of them, at t = ${short(DATA.half)} and later.`;
});

panel("convergence", element => {
  const { label, convergence } = curve(state.curve), sizes = DATA.ladder;
  const points = convergence.map(x => (x > 0 ? x : null)), positive = points.filter(x => x !== null);
  if (sizes.length < 2 || !positive.length) return "Two standard errors are the fewest for this picture.";
  const last = positive[positive.length - 1];
  const rule = sizes.map(n => last * Math.sqrt(sizes[sizes.length - 1] / n));
  const ends = [Math.min(...positive, ...rule) / 1.15, Math.max(...positive, ...rule) * 1.15];
  const ticks = ([low, high]) => {
    const all = [];
    for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.log10(high); exponent++) {
      for (const digit of [1, 2, 5]) { const x = digit * 10 ** exponent; if (x >= low && x <= high) all.push(x); }
    }
    return all;
  };
  const plainly = (label, side, range) => axis(label, side, { splits: () => ticks(range), filter: (u, splits) => splits, values: (u, splits) => splits.map(short) });
  const across = [sizes[0] / 1.15, sizes[sizes.length - 1] * 1.15];
  const options = { height: 300, cursor: { drag: { setScale: false, x: false, y: false } },
    scales: { x: { time: false, distr: 3, range: across }, y: { distr: 3, range: ends } },
    axes: [plainly("number of trajectories N", 2, across), plainly(`SEM of ${label}`, 3, ends)],
    series: [{ label: "N", value: (u, x) => short(x) },
      { label: "SEM", stroke: line(0), width: 2, points: { show: true, size: 6, fill: line(0) }, value },
      { label: "as 1/√N", stroke: css("--quiet"), dash: [6, 5], width: 1, points: { show: false }, value }] };
  put(element, `Standard error of ${label} against the number of trajectories, ${short(last)} for all`, options, [sizes, points, rule]);
  return `Standard error of the first N trajectories, mean over all saved times. Where it does not fall as 1/√N, rare events decide.`;
});

// Below this it is rounding.
const FLOOR = 1e-20;

panel("leakage", element => {
  const series = [onTime], data = [TIMES];
  DATA.leaks.forEach(({ factor, mean, largest }, k) => {
    for (const [what, packed, style] of [["largest", largest, { width: 1.5 }], ["mean", mean, { width: 1.5, dash: [2, 3] }]]) {
      series.push({ label: `${factor} ${what}`, stroke: line(k), points: { show: false }, value, ...style });
      data.push(reals(packed).map(x => (x === null ? null : Math.max(x, FLOOR))));
    }
  });
  for (const [limit, what, colour] of [[DATA.limits[0], "warning", "--warn"], [DATA.limits[1], "failure", "--bad"]]) {
    series.push({ label: what, stroke: css(colour), dash: [7, 5], width: 1, points: { show: false }, value });
    data.push(TIMES.map(() => limit));
  }
  const values = data.slice(1).flat().filter(x => x > 0);
  const ends = [10 ** Math.floor(Math.log10(values.reduce((a, b) => Math.min(a, b)))), 10 ** Math.ceil(Math.log10(values.reduce((a, b) => Math.max(a, b))) + 0.3)];
  const options = overTime(decades("population", 3, ends, 6), 300, { series, scales: { y: { distr: 3, range: ends } } });
  const factors = DATA.leaks.map(({ factor }) => factor).join(" and ");
  put(element, `Population of the top levels of ${factors}`, options, data);
  return `Population of the top Fock states: the largest over trajectories and the mean. The guards judge the mean; dashed are their limits.`;
}, true);
