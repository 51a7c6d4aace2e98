"use strict";
// What the page was given, its packed numbers as arrays. They are little-endian, as is every machine with a browser.

const DATA = JSON.parse(document.getElementById("numbers").textContent);

const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer;
const reals = text => Array.from(new Float32Array(bytes(text)), x => (Number.isNaN(x) ? null : x));
const counts = ([width, text]) => new { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[width](bytes(text));
const fractions = text => Array.from(new Uint16Array(bytes(text)), n => (n === 65535 ? null : n / 65534));

const TIMES = reals(DATA.times);
const EDGES = reals(DATA.edges);
const COLUMNS = Math.max(EDGES.length - 1, 0);
const CENTRES = EDGES.slice(0, COLUMNS).map((edge, column) => (edge + EDGES[column + 1]) / 2);

/// The arrays of one curve, unpacked when it is first looked at.
const unpacked = new Map();
function curve(index) {
  if (!unpacked.has(index)) {
    const packed = DATA.curves[index];
    const [low, high] = packed.range;
    unpacked.set(index, {
      label: packed.label + (packed.unit ? ` (${packed.unit})` : ""),
      low, high,
      mean: reals(packed.mean),
      sem: reals(packed.sem),
      singles: packed.singles.map(reals),
      density: counts(packed.density),
      quantiles: packed.quantiles.map(reals),
      convergence: reals(packed.convergence),
      dots: fractions(packed.dots).map(at => (at === null ? null : low + at * (high - low))),
    });
  }
  return unpacked.get(index);
}

const short = x => (x === null || x === undefined ? "–" : x === 0 ? "0" : Math.abs(x) >= 1e-3 && Math.abs(x) < 1e6 ? String(+x.toPrecision(4)) : x.toExponential(2));
