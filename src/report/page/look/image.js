// A panel as a picture: heading, note, plot, and the key to its lines, on the colour of the card.

// The keys in rows that fit the width, each with the place where it begins.
function keyRows(keys, width) {
  const ctx = document.createElement("canvas").getContext("2d"), rows = [];
  ctx.font = FONT;
  let left = Infinity;
  for (const { label, stroke, dash } of keys) {
    const needed = ctx.measureText(label).width + 44;
    if (left + needed > width) { rows.push([]); left = MARGIN.left; }
    rows[rows.length - 1].push({ left, label, stroke, dash });
    left += needed;
  }
  return rows;
}

function image({ id, section, plot: element }) {
  const plot = drawn.get(element);
  if (!plot) return;
  const source = plot.ctx.canvas, ratio = source.width / plot.width;
  const keys = plot.series.slice(1).filter(({ label, class: kind, show }) => label && show && kind !== "silent" && kind !== "number" && plot.legend.show);
  const width = plot.width, head = 58, apart = 18;
  const rows = keyRows(keys, width), foot = rows.length ? rows.length * apart + 12 : 8;
  const canvas = document.createElement("canvas");
  canvas.width = width * ratio;
  canvas.height = (head + plot.height + foot) * ratio;
  const ctx = canvas.getContext("2d");
  ctx.scale(ratio, ratio);
  ctx.fillStyle = css("--card");
  ctx.fillRect(0, 0, width, head + plot.height + foot);
  ctx.fillStyle = css("--ink");
  ctx.font = "600 " + FONT.replace("12px", "15px");
  ctx.fillText(section.querySelector("h2").textContent, 12, 24, width - 24);
  ctx.fillStyle = css("--quiet");
  ctx.font = FONT;
  ctx.fillText(`${document.title}`, 12, 43, width - 24);
  ctx.drawImage(source, 0, 0, source.width, source.height, 0, head, width, plot.height);
  rows.forEach((row, at) => row.forEach(({ left, label, stroke, dash }) => {
    const middle = head + plot.height + 13 + at * apart;
    ctx.strokeStyle = typeof stroke === "function" ? stroke(plot) : stroke;
    ctx.lineWidth = 3;
    ctx.setLineDash(dash ?? []);
    ctx.beginPath();
    ctx.moveTo(left, middle);
    ctx.lineTo(left + 18, middle);
    ctx.stroke();
    ctx.fillText(label, left + 24, middle + 4);
  }));
  canvas.toBlob(blob => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${document.title.replace(/[^\w.-]+/g, "_")}-${id}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }, "image/png");
}

for (const one of panels) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "image";
  button.title = "save this panel as PNG";
  button.setAttribute("aria-label", `save ${one.section.querySelector("h2").textContent} as an image`);
  button.addEventListener("click", () => image(one));
  one.section.querySelector("header").append(button);
}
