// Colours: lines after Okabe and Ito, who chose them for all kinds of eyes; cells from the paper of the page to its ink.

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isDark = () => getComputedStyle(document.documentElement).colorScheme === "dark";

const LINES = {
  light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#7a5cc4"],
  dark: ["#56b4e9", "#e69f00", "#2fc39a", "#e295c4", "#f0e442", "#ff8a4c", "#b39ddb"],
};
const line = index => { const all = LINES[isDark() ? "dark" : "light"]; return all[index % all.length]; };

// Light: yellow, green, blue on white (the ramp YlGnBu of ColorBrewer); dark: viridis, from the colour of the card.
const RAMPS = {
  light: ["#ffffff", "#eef8c9", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#253494", "#081d58"],
  dark: ["#161b22", "#35255f", "#3b4c8a", "#2d708e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"],
};
const parts = colour => [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16));
function ramp() {
  const stops = RAMPS[isDark() ? "dark" : "light"].map(parts);
  return x => {
    const at = Math.min(Math.max(x, 0), 1) * (stops.length - 1);
    const below = Math.min(Math.floor(at), stops.length - 2);
    return stops[below].map((part, k) => Math.round(part + (at - below) * (stops[below + 1][k] - part)));
  };
}

// Values of a grid as a picture, one pixel a cell; `value(x, y)` is between 0 and 1, y upwards.
function picture(width, height, value) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(width, 1);
  canvas.height = Math.max(height, 1);
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const colour = ramp();
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      image.data.set([...colour(value(x, y)), 255], 4 * ((height - 1 - y) * width + x));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// The key to such a picture, under the plot: from nothing to `top`, colours by the square root.
function scale(element, before, top) {
  const key = picture(130, 1, x => x / 130);
  const row = document.createElement("div");
  row.className = "scale";
  row.append(before, " 0", key, top);
  element.append(row);
}
