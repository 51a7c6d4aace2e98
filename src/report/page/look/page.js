// Controls, keys, and what the page remembers in its address.

const draw = (...ids) => panels.filter(({ id }) => !ids.length || ids.includes(id)).forEach(panel => panel.draw());

for (const [id, chosen] of [["curve", state.curve], ["across", state.across], ["up", state.up]]) {
  DATA.curves.forEach(({ label, name }, index) => $(id).append(new Option(label === name ? label : `${name}  ${label}`, index, false, index === chosen)));
}
$("at").max = Math.max(COLUMNS - 1, 0);

// Choices outlive a reload, and a copied address has them.
function remember() {
  const chosen = new URLSearchParams({ curve: DATA.curves[state.curve]?.name ?? "", band: state.band, singles: state.singles ? 1 : 0 });
  if (state.span) chosen.set("span", state.span.map(t => +t.toPrecision(6)).join("_"));
  if (state.at !== COLUMNS - 1) chosen.set("at", state.at);
  if (state.onward) chosen.set("onward", 1);
  history.replaceState(null, "", `#${chosen}`);
}
function recall() {
  const chosen = new URLSearchParams(location.hash.slice(1));
  const index = DATA.curves.findIndex(({ name }) => name === chosen.get("curve"));
  if (index >= 0) state.curve = index;
  if (["0", "1", "2"].includes(chosen.get("band"))) state.band = +chosen.get("band");
  if (chosen.has("singles")) state.singles = chosen.get("singles") === "1";
  const span = (chosen.get("span") ?? "").split("_").map(Number);
  if (span.length === 2 && span.every(Number.isFinite) && span[0] < span[1]) state.span = span;
  const at = Number(chosen.get("at") ?? NaN);
  if (Number.isInteger(at) && at >= 0 && at < COLUMNS) state.at = at;
  state.onward = chosen.get("onward") === "1";
  $("curve").value = state.curve;
  $("band").value = state.band;
  $("singles").checked = state.singles;
  $("at").value = state.at;
  $("onward").checked = state.onward;
}

const on = (id, kind, act) => $(id).addEventListener(kind, event => { act(event.target); remember(); });
on("curve", "change", target => { state.curve = +target.value; draw("mean", "distribution", "histogram", "convergence"); });
on("band", "change", target => { state.band = +target.value; draw("mean"); });
on("singles", "change", target => { state.singles = target.checked; draw("mean"); });
on("across", "change", target => { state.across = +target.value; draw("plane"); });
on("up", "change", target => { state.up = +target.value; draw("plane"); });
on("at", "input", target => look(+target.value));
on("onward", "change", target => { state.onward = target.checked; look(state.at); });

const moves = {
  earlier: ([a, b]) => [a - 0.25 * (b - a), b - 0.25 * (b - a)],
  later: ([a, b]) => [a + 0.25 * (b - a), b + 0.25 * (b - a)],
  closer: ([a, b]) => [a + 0.25 * (b - a), b - 0.25 * (b - a)],
  wider: ([a, b]) => [a - 0.5 * (b - a), b + 0.5 * (b - a)],
  all: () => null,
};
const KEYS = { ArrowLeft: "earlier", ArrowRight: "later", "+": "closer", "=": "closer", "-": "wider", 0: "all" };
const move = name => zoom(moves[name](state.span ?? ALL_TIMES));
for (const name of Object.keys(moves)) $(name).addEventListener("click", () => move(name));
for (const { plot, timed } of panels) {
  if (!timed) continue;
  plot.addEventListener("keydown", event => {
    if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(KEYS[event.key]);
  });
}

// Colours as the system has them, or as chosen here; some browsers let a file remember nothing.
const stored = { get: () => { try { return localStorage.getItem("qsd-theme"); } catch { return null; } }, set: theme => { try { localStorage.setItem("qsd-theme", theme); } catch { /* chosen for this view only */ } } };
function dress(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  $("theme").value = theme ?? "";
}
$("theme").addEventListener("change", event => { dress(event.target.value); stored.set(event.target.value); draw(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());

// A run that goes on: ask how far it is, and look again when it is further.
if (document.body.dataset.live === "yes") {
  // A large file takes long to reduce: a tenth of the time at most goes into that.
  const made = performance.getEntriesByType("navigation")[0]?.responseStart ?? 0;
  setInterval(async () => {
    if (document.hidden || performance.now() < 8000 + 11 * made) return;
    try {
      const news = await (await fetch(location.pathname + "?state")).json();
      if (news.complete || String(news.done) !== document.body.dataset.done) location.reload();
    } catch { /* the server has gone; what is shown stays */ }
  }, 4000);
}

dress(["light", "dark"].includes(stored.get()) ? stored.get() : "");
recall();
if (DATA.curves.length) draw();
document.body.dataset.ready = "yes";
