"""A headless Chromium over its DevTools pipe: two file descriptors and JSON between zero bytes, nothing to install.

It is given no network: names are not resolved, and every request it wants to make is kept in `requests`.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new --remote-debugging-pipe --no-first-run --no-default-browser-check --disable-gpu --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync --disable-default-apps --disable-extensions "
    "--disable-dev-shm-usage --force-device-scale-factor=1"
).split()


def find():
    """The browser of this machine, or None."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One browser with one page."""

    def __init__(self, program, deadline=300):
        self.deadline = deadline
        self.profile = tempfile.TemporaryDirectory(prefix="qsd-browser-", ignore_cleanup_errors=True)
        command_read, self.commands = os.pipe()
        self.answers, answer_write = os.pipe()
        # The browser reads commands from descriptor 3 and answers on 4; these two are in neither's way.
        command_read, answer_write = (self.above(fd) for fd in (command_read, answer_write))

        def descriptors():
            os.dup2(command_read, 3)
            os.dup2(answer_write, 4)

        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        offline = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        self.process = subprocess.Popen(
            [program, *FLAGS, *root, *offline, f"--user-data-dir={self.profile.name}", "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(command_read)
        os.close(answer_write)
        self.rest, self.number, self.events, self.session = b"", 0, [], None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    @staticmethod
    def above(fd):
        """The same pipe under a number above 9."""
        import fcntl

        higher = fcntl.fcntl(fd, fcntl.F_DUPFD, 10)
        os.close(fd)
        os.set_inheritable(higher, True)
        return higher

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(10)
        except Exception:
            self.process.kill()
            self.process.wait()
        self.profile.cleanup()

    def call(self, method, **parameters):
        """One command and its answer; events that come in between are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + self.deadline
        while True:
            answer = self.receive(end - time.monotonic())
            if answer is None:
                raise TimeoutError(f"no answer to {method}")
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer.get("result", {})

    def receive(self, seconds):
        """The next message, or None when there is none in time."""
        while b"\0" not in self.rest:
            if not select.select([self.answers], [], [], max(seconds, 0))[0]:
                return None
            piece = os.read(self.answers, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has gone")
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(message)
        if "method" in message:
            self.events.append(message)
        return message

    def wait(self, seconds):
        """Let the page work, and collect what it says."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.receive(left)

    def eval(self, expression):
        """What an expression gives in the page; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def until(self, expression, seconds=300):
        """Wait until an expression is true in the page."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.eval(expression):
                    return
            except RuntimeError:
                pass  # between two pages
            self.wait(0.05)
        raise AssertionError(f"never true: {expression}")

    def open(self, url, ready="document.body && document.body.dataset.ready === 'yes'", width=1280, height=900, dark=False):
        """Go to a page and wait until it says that it is drawn."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.until(ready)

    def click(self, x, y, to=None, clicks=1):
        """Press the mouse, drag it, let it go."""
        def mouse(kind, x, y, buttons):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=clicks)

        mouse("mouseMoved", x, y, 0)
        mouse("mousePressed", x, y, 1)
        if to:
            mouse("mouseMoved", (x + to[0]) / 2, (y + to[1]) / 2, 1)
            mouse("mouseMoved", *to, 1)
        mouse("mouseReleased", *(to or (x, y)), 0)

    def key(self, key, code=None, text=None):
        """Press a key."""
        more = {"text": text} if text else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, **more)

    def screenshot(self, path):
        """The whole page as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def complaints(self):
        """Errors of the console, exceptions, violations of the policy, since the last call."""
        found = []
        for event in self.events:
            parameters = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                found.append(details.get("exception", {}).get("description") or details["text"])
            elif event["method"] == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                found.append(parameters["entry"]["text"])
            elif event["method"] == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
                found.append(str(parameters["args"]))
        return found

    def requests(self):
        """Addresses that were asked for since the last `forget`."""
        return [event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"]

    def forget(self):
        """Start counting complaints and requests again."""
        self.wait(0.05)
        self.events = []
