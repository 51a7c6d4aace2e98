"use strict";
// The folder is asked again every few seconds; the table comes as it is shown.

const rows = document.getElementById("rows"), only = document.getElementById("only"), count = document.getElementById("count");

function sift() {
  const words = only.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows.rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every(word => text.includes(word));
    if (!row.hidden) shown += 1;
  }
  const files = n => `${n} ${n === 1 ? "file" : "files"}`;
  count.textContent = rows.rows.length ? (shown < rows.rows.length ? `${shown} of ${files(rows.rows.length)}` : files(shown)) : "No results file here yet.";
}

async function refresh() {
  if (document.hidden || rows.contains(document.activeElement)) return;
  try {
    const answer = await fetch("rows");
    if (answer.ok) { rows.innerHTML = await answer.text(); sift(); }
  } catch { count.textContent = "The server has ended; what is shown is as it was."; }
}

only.addEventListener("input", sift);
setInterval(refresh, 4000);
sift();
document.body.dataset.ready = "yes";
