"""What people do with the pages, in a real browser that has no network: the report as a file, a folder behind `qsd view`.

usage: check.py QSD FILE SCREENSHOTS

FILE is a results file with kets, in a folder where more files may be put. Every check is a claim and one test; the last line
counts them as `cargo test` does. Without a browser all of them fail.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

import devtools

# A run that takes longer than anybody looks at it.
LONG = "kerr_bistable --ntraj 20000 --duration 8 --save-dt 0.1 --threads 1 --quiet --force".split()

# Share of the pixels of every canvas that are not those of its corner, of panels that are seen.
DRAWN = """[...document.querySelectorAll(".panel:not([hidden]) .uplot canvas")].map(canvas => {
  const { width, height } = canvas;
  const words = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, width, height).data.buffer);
  return [canvas.closest(".panel").id, words.reduce((n, word) => n + (word !== words[0]), 0) / words.length];
})"""
# A number that changes when anything drawn in a panel does.
LOOKS = """(id => {
  const canvas = document.querySelector(`#${id} .uplot canvas`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let at = 0; at < data.length; at++) sum = (Math.imul(sum, 31) + data[at]) | 0;
  return sum;
})"""
BOX = "(box => [box.x, box.y, box.width, box.height])(document.querySelector('%s').getBoundingClientRect())"
SELECT = "(() => { const one = document.getElementById('%s'); one.value = '%s'; one.dispatchEvent(new Event('change')); })()"

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


class Pages:
    """The browser, the report, and the folder of the results."""

    def __init__(self, browser, qsd, file, shots):
        self.browser, self.qsd, self.file, self.shots = browser, qsd, file, shots
        self.report = file.with_suffix(".html")
        subprocess.run([qsd, "report", file, "-o", self.report, "--force"], check=True, stdout=subprocess.DEVNULL)

    def open(self, **how):
        self.browser.open(self.report.as_uri(), **how)

    def looks(self, panel):
        return self.browser.eval(f"{LOOKS}('{panel}')")

    def middle(self, selector):
        self.browser.eval(f"document.querySelector('{selector}').scrollIntoView({{ block: 'center' }})")
        x, y, width, height = self.browser.eval(BOX % selector)
        return x + width / 2, y + height / 2, width, height

    def shoot(self, name):
        self.browser.screenshot(self.shots / f"{name}.png")

    def panels_are_drawn(self):
        drawn = dict(self.browser.eval(DRAWN))
        blank = [panel for panel, share in drawn.items() if share < 0.01]
        assert not blank, f"nothing is drawn in {blank}: {drawn}"
        return set(drawn)

    def nothing_is_wrong(self, allowed):
        """No complaint in the console, and no request but those that start so."""
        self.browser.wait(0.2)
        complaints = self.browser.complaints()
        assert not complaints, complaints
        away = [url for url in self.browser.requests() if not url.startswith(("about:", "data:", "blob:", *allowed))]
        assert not away, f"asked for {away}"


@check
def every_panel_of_the_report_is_drawn_and_the_page_is_small(pages):
    pages.open()
    panels = pages.panels_are_drawn()
    wanted = {"mean", "distribution", "histogram", "husimi-0", "plane", "convergence", "leakage"}
    assert panels == wanted, panels ^ wanted
    size = pages.report.stat().st_size
    assert size < 600_000, f"{size} bytes"
    print(f"    the report has {size} bytes")
    pages.shoot("report-light")


@check
def it_is_dark_where_the_system_is_and_where_it_is_chosen(pages):
    ground = "getComputedStyle(document.body).backgroundColor"
    pages.open()
    light = pages.browser.eval(ground)
    pages.browser.eval(SELECT % ("theme", "dark"))
    chosen = pages.browser.eval(ground)
    pages.panels_are_drawn()
    pages.browser.eval(SELECT % ("theme", ""))
    pages.open(dark=True)
    asked = pages.browser.eval(ground)
    pages.panels_are_drawn()
    pages.shoot("report-dark")
    assert light != asked == chosen, (light, asked, chosen)


@check
def at_500_pixels_nothing_sticks_out(pages):
    pages.open(width=500)
    pages.panels_are_drawn()
    out = pages.browser.eval("""[...document.querySelectorAll("body *")].filter(one =>
      !one.closest(".scroll, pre, .licence") && one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML.slice(0, 90))""")
    assert not out and pages.browser.eval("document.documentElement.scrollWidth") <= 500, out
    pages.shoot("report-narrow")


@check
def another_observable_is_drawn_in_every_panel_that_shows_one(pages):
    pages.open()
    follow = ("mean", "distribution", "histogram", "convergence")
    before = {panel: pages.looks(panel) for panel in (*follow, "leakage")}
    pages.browser.eval(SELECT % ("curve", "1"))
    after = {panel: pages.looks(panel) for panel in before}
    assert all(before[panel] != after[panel] for panel in follow), (before, after)
    assert before["leakage"] == after["leakage"]
    name = pages.browser.eval("DATA.curves[1].name")
    assert name in pages.browser.eval("decodeURIComponent(location.hash)"), "a copied address has it"


@check
def the_band_and_single_trajectories_come_and_go(pages):
    pages.open()
    seen = {pages.looks("mean")}
    for control, value in (("band", "1"), ("band", "0")):
        pages.browser.eval(SELECT % (control, value))
        seen.add(pages.looks("mean"))
    x, y, *_ = pages.middle("#singles")
    pages.browser.click(x, y)
    seen.add(pages.looks("mean"))
    assert len(seen) == 4, seen
    assert pages.browser.eval("document.getElementById('singles').checked") is False


@check
def dragging_chooses_a_stretch_of_time_in_all_panels_over_time(pages):
    pages.open()
    scale = "(id => { const { min, max } = drawn.get(document.querySelector(`#${id} .plot`)).scales.x; return [min, max]; })"
    over_time = ("mean", "distribution", "leakage")
    first, last = pages.browser.eval(f"{scale}('mean')")
    before = {panel: pages.looks(panel) for panel in over_time}
    x, y, width, _ = pages.middle("#mean .u-over")
    pages.browser.click(x - 0.25 * width, y, to=(x + 0.25 * width, y))
    pages.browser.wait(0.2)
    quarter = (last - first) / 4
    for panel in over_time:
        low, high = pages.browser.eval(f"{scale}('{panel}')")
        near = lambda a, b: abs(a - b) < 0.02 * (last - first)
        assert near(low, first + quarter) and near(high, last - quarter), (panel, low, high)
        assert pages.looks(panel) != before[panel], panel
    pages.shoot("report-zoomed")
    x, y, *_ = pages.middle("#mean .u-over")
    pages.browser.click(x, y)
    pages.browser.click(x, y, clicks=2)
    pages.browser.wait(0.2)
    assert pages.browser.eval(f"{scale}('mean')") == [first, last], "a double click shows all times"


@check
def the_histogram_follows_its_slider(pages):
    pages.open()
    before = pages.looks("histogram")
    note = "document.querySelector('#histogram .note').textContent"
    said = pages.browser.eval(note)
    pages.browser.eval("(() => { const at = document.getElementById('at'); at.value = 3; at.dispatchEvent(new Event('input')); })()")
    assert pages.looks("histogram") != before and pages.browser.eval(note) != said


@check
def everything_can_be_reached_and_moved_by_keys(pages):
    pages.open()
    reached = set()
    for _ in range(60):
        pages.browser.key("Tab")
        reached.add(pages.browser.eval("document.activeElement.id || document.activeElement.closest('.panel')?.id || ''"))
    for one in ("theme", "curve", "band", "singles", "closer", "all", "mean", "at", "across", "up", "leakage", "input"):
        assert one in reached, f"{one} is not among {reached}"
    pages.browser.eval("document.querySelector('#mean .plot').focus()")
    pages.browser.key("+", "Equal", "+")
    low, high = pages.browser.eval("state.span")
    pages.browser.key("ArrowLeft")
    assert pages.browser.eval("state.span")[0] < low
    pages.browser.key("0", "Digit0", "0")
    assert pages.browser.eval("state.span") is None
    nameless = pages.browser.eval("""[...document.querySelectorAll("button, select, input, canvas[role]")].filter(one =>
      !(one.textContent.trim() || one.getAttribute("aria-label") || one.closest("label"))).map(one => one.outerHTML)""")
    assert not nameless, nameless


@check
def every_panel_can_be_saved_as_an_image(pages):
    place = pages.shots / "saved"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    pages.browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(place))
    pages.open()
    count = pages.browser.eval("document.querySelectorAll('.panel > header button').length")
    for at in range(count):
        pages.browser.eval(f"document.querySelectorAll('.panel > header button')[{at}].click()")
        pages.browser.wait(0.3)
    end = time.monotonic() + 60
    while time.monotonic() < end and len(list(place.glob("*.png"))) < count:
        pages.browser.wait(0.2)
    images = list(place.glob("*.png"))
    assert count == 7 and len(images) == count, (count, images)
    assert all(image.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and image.stat().st_size > 3000 for image in images)


@check
def a_script_in_a_file_stays_text(pages):
    """The description of a model and its labels are what the file says, and no tag."""
    model = pages.shots / "evil.toml"
    evil = "</script><script>document.title=1</script><img src=x onerror=alert(1)>"
    model.write_text(
        f'description = "{evil}"\nH = "a.dag*a"\nc_ops = ["a"]\ninitial = "fock(3)"\n[space]\na = {{ fock = 8, exact = true }}\n'
        f'[e_ops]\nn = {{ op = "a.dag*a", label = "{evil}" }}\n[run]\nduration = 1\nsave_dt = 0.05\ndt = 0.01\n'
    )
    pages.evil_file = pages.shots / "evil.h5"
    run = [pages.qsd, "run", model, "--ntraj", "8", "--quiet", "--force", "-o", pages.evil_file]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    page = pages.shots / "evil.html"
    subprocess.run([pages.qsd, "report", pages.evil_file, "-o", page, "--force"], check=True, stdout=subprocess.DEVNULL)
    assert evil.encode() not in page.read_bytes()
    pages.browser.open(page.as_uri())
    assert evil in pages.browser.eval("document.body.textContent"), "the text is shown"
    assert pages.browser.eval("document.querySelectorAll('img').length") == 0
    assert pages.browser.eval("document.title") != "1"
    pages.panels_are_drawn()


@check
def the_report_asks_for_nothing_and_complains_of_nothing(pages):
    pages.browser.forget()
    pages.open()
    for value in range(pages.browser.eval("DATA.curves.length")):
        pages.browser.eval(SELECT % ("curve", value))
    pages.nothing_is_wrong([pages.report.as_uri()])


@check
def the_folder_is_a_table_and_each_file_its_report(pages):
    with Viewer(pages) as viewer:
        pages.browser.forget()
        pages.browser.open(viewer.address, ready="document.body?.dataset.ready === 'yes'")
        rows = "[...document.querySelectorAll('#rows tr')].filter(row => !row.hidden).map(row => row.innerText)"
        names = pages.browser.eval(rows)
        assert any(pages.file.name in row and "complete" in row for row in names), names
        assert any("notes.h5" in row and "unreadable" in row for row in names), names
        pages.shoot("view")
        pages.browser.eval("(() => { const one = document.getElementById('only'); one.value = 'unread'; one.dispatchEvent(new Event('input')); })()")
        assert len(pages.browser.eval(rows)) == 1
        pages.browser.open(f"{viewer.address}run/{pages.file.name}")
        pages.panels_are_drawn()
        assert pages.browser.eval("document.querySelector('.tools a').getAttribute('href')") == "../"
        pages.nothing_is_wrong([viewer.address])
        pages.browser.open(viewer.address, width=500, dark=True, ready="document.body?.dataset.ready === 'yes'")
        assert pages.browser.eval("document.documentElement.scrollWidth") <= 500
        pages.shoot("view-narrow")


@check
def a_run_that_goes_on_is_looked_at_again_by_itself(pages):
    with Viewer(pages) as viewer:
        live = [pages.qsd, "run", *LONG, "-o", pages.file.parent / "live.h5"]
        run = subprocess.Popen(live, stdout=subprocess.DEVNULL)
        try:
            place = f"{viewer.address}run/live.h5"
            done = "+document.body.dataset.done"
            end = time.monotonic() + 30
            while viewer.ask("run/live.h5?state")[0] != 200 and time.monotonic() < end:
                time.sleep(0.1)
            pages.browser.open(place)
            assert pages.browser.eval("document.body.dataset.live") == "yes"
            first = pages.browser.eval(done)
            pages.browser.until(f"document.body?.dataset.ready === 'yes' && {done} > {first}", 60)
            pages.browser.open(viewer.address, ready="document.body?.dataset.ready === 'yes'")
            line = "[...document.querySelectorAll('#rows tr')].find(row => row.innerText.includes('live.h5')).innerText"
            before = pages.browser.eval(line)
            assert "running" in before, before
            pages.browser.until(f"{line} !== {before!r}", 60)
        finally:
            run.kill()
            run.wait()


@check
def only_who_has_the_address_is_answered_and_only_from_the_folder(pages):
    with Viewer(pages) as viewer:
        assert viewer.ask("")[0] == 200 and viewer.ask(f"run/{pages.file.name}")[0] == 200
        outside = pages.file.parent.parent / "outside.h5"
        shutil.copy(pages.evil_file, outside)
        link = pages.file.parent / "link.h5"
        link.unlink(missing_ok=True)
        link.symlink_to(outside)
        for path in ("run/../outside.h5", "run/..%2Foutside.h5", "run/%2e%2e/outside.h5", "run/link.h5", "run/%2Fetc%2Fpasswd",
                     "run//etc/passwd", f"run/{pages.file.name}%00", "run/%252e%252e%252foutside.h5"):
            assert viewer.ask(path)[0] == 404, path
        for address in (viewer.origin, f"{viewer.origin}rows", f"{viewer.origin}run/{pages.file.name}", f"{viewer.address[:-2]}0/"):
            assert viewer.get(address)[0] == 404, address
        assert viewer.ask("", method="POST")[0] == 405
        assert "link.h5" not in viewer.ask("rows")[1]
        link.unlink()


@check
def ctrl_c_ends_it_and_a_taken_port_is_passed_over(pages):
    with Viewer(pages) as one, Viewer(pages, one.port) as two:
        assert two.port > one.port, (one.port, two.port)
        assert f"ssh -L {one.port}:127.0.0.1:{one.port}" in one.said, one.said
        one.process.send_signal(signal.SIGINT)
        assert one.process.wait(10) in (-signal.SIGINT, 130), one.process.returncode
        assert two.ask("")[0] == 200


class Viewer:
    """`qsd view` over the folder of the results, until the end of a block."""

    def __init__(self, pages, port=0):
        command = [pages.qsd, "view", pages.file.parent, "--port", str(port)]
        # Whoever runs tests in the background has its children ignore Ctrl-C; a user's terminal does not.
        heeds = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, preexec_fn=heeds
        )
        self.said = ""
        while "Ctrl-C" not in self.said:
            line = self.process.stdout.readline()
            assert line, f"qsd view has ended: {self.said}"
            self.said += line
        self.address = re.search(r"http://\S+", self.said).group()
        self.origin = re.match(r"http://[^/]+/", self.address).group()
        self.port = int(re.search(r":(\d+)/", self.address).group(1))
        assert self.address.startswith("http://127.0.0.1:"), self.address

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, path, method="GET"):
        return self.get(self.address + path, method)

    @staticmethod
    def get(address, method="GET"):
        """Status and text of an answer."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(urllib.request.Request(address, method=method), timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def main():
    qsd, file, shots = (Path(word).absolute() for word in sys.argv[1:])
    shots.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    program = devtools.find()
    if not program:
        print("no browser: NOTHING was tested. Debian: apt-get install chromium; elsewhere CHROMIUM=/path/to/chrome", file=sys.stderr)
        print(f"test result: FAILED. 0 passed; {len(CHECKS)} failed; 0 ignored")
        return 1
    (file.parent / "notes.h5").write_text("no results\n")
    with devtools.Browser(program) as browser:
        pages = Pages(browser, qsd, file, shots)
        for test in CHECKS:
            print(f"test browser::{test.__name__} ... ", end="", flush=True)
            try:
                test(pages)
            except Exception:
                failed += 1
                print("FAILED", flush=True)
                traceback.print_exc()
            else:
                passed += 1
                print("ok", flush=True)
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed; 0 ignored; screenshots in {shots}")
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.pop("DISPLAY", None)
    sys.exit(main())
