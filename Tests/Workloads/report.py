"""Reads a report of `varve report` as its consumers do.

usage: report.py parse PAGE        by an HTML parser that forgives nothing (html5lib, from PyPI)
       report.py browse PAGE TRUTH in Debian's Chromium without a window: clicks, drags, reads what the page says then

TRUTH is a JSON object: `count` is what `varve count` printed, `top` for each grouping the rows of `varve top -o jsonl`,
`gaps` those of `varve gaps -o jsonl`, `commits` those of `varve db commits -o jsonl`. Prints the first difference and ends with 1.
"""
import base64
import fcntl
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Attributes that name something outside of the page, or hold code or style.
REFERENCES = {"href", "src", "srcset", "action", "formaction", "data", "poster", "background", "style"}


def parse(path):
    import html5lib

    text = Path(path).read_bytes()
    # Whatever is not as the standard wants it is an error.
    document = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    scripts = document.findall(".//script")
    assert len(scripts) == 3, f"{len(scripts)} scripts"
    assert [script.get("type") for script in scripts] == ["application/json", None, None]
    json.loads(scripts[0].text)
    for element in document.iter():
        if not isinstance(element.tag, str):
            raise AssertionError(f"a comment: {element.text!r}")
        assert element.tag not in {"link", "img", "iframe", "object", "embed", "base", "form", "a"}, element.tag
        for name in element.keys():
            assert name not in REFERENCES and not name.startswith("on"), f"<{element.tag} {name}>"
    assert document.find(".//meta[@http-equiv]").get("content").startswith("default-src 'none';")
    print(f"{sum(1 for _ in document.iter())} elements are well formed")


def escaped(name):
    """Bytes as the page shows them: what steers and what is no UTF-8 byte by byte, and long ones cut in the middle."""
    shown = []
    index = 0
    while index < len(name):
        for length in range(1, 5):
            try:
                character = name[index:index + length].decode()
                break
            except UnicodeDecodeError:
                character = None
        if character is None:
            length = 1
        code = ord(character) if character else 0
        steers = (character is None or code < 0x20 or 0x7F <= code <= 0x9F or code in (0x061C, 0xFEFF)
                  or 0x200B <= code <= 0x200F or 0x2028 <= code <= 0x202E or 0x2060 <= code <= 0x2069
                  or 0xFFF9 <= code <= 0xFFFB or 0xE0000 <= code <= 0xE007F)
        if steers:
            shown.append("".join(f"\\x{byte:02x}" for byte in name[index:index + length]))
        else:
            shown.append("\\\\" if character == "\\" else character)
        index += length
    text = "".join(shown)
    return text if len(text) <= 480 else f"{text[:240]} … {text[-240:]}"


def label(key, row):
    """The name of a row of `varve top`."""
    def raw(name):
        return base64.b64decode(row[name + "_raw"]) if name + "_raw" in row else row[name].encode()

    if key == "process":
        if "instance" not in row:
            return "(unknown)"
        text = (raw("comm") if "comm" in row else b"?") + f"[{row['pid']}]".encode()
        return escaped(text + (b" " + raw("exe") if "exe" in row else b""))
    return escaped(raw(key)) if key in row else "(unknown)"


class Browser:
    """Chromium, spoken to over two pipes (Chrome DevTools Protocol, --remote-debugging-pipe)."""

    def __init__(self, profile):
        def high(descriptor):
            moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
            os.close(descriptor)
            return moved

        theirs_in, ours_out = map(high, os.pipe())
        ours_in, theirs_out = map(high, os.pipe())

        def place():
            # The numbers are the protocol's.
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
                   "--disable-background-networking", "--disable-component-update", "--window-size=1400,1000",
                   f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(["chromium"] + options, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, close_fds=False, preexec_fn=place, start_new_session=True,
                                        env=dict(os.environ, HOME=profile))
        os.close(theirs_in)
        os.close(theirs_out)
        self.input, self.output = ours_in, ours_out
        self.held = b""
        self.number = 0
        self.events = []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
            self.process.wait(20)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, 9)
                self.process.wait()

    def message(self, seconds=60):
        deadline = time.monotonic() + seconds
        while b"\0" not in self.held:
            ready, _, _ = select.select([self.input], [], [], max(0, deadline - time.monotonic()))
            piece = os.read(self.input, 1 << 16) if ready else b""
            if not piece:
                self.log.seek(0)
                raise AssertionError(f"the browser says nothing: {self.log.read().decode(errors='replace')[-2000:]}")
            self.held += piece
        line, self.held = self.held.split(b"\0", 1)
        return json.loads(line)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.output, json.dumps(request).encode() + b"\0")
        while True:
            message = self.message()
            if message.get("id") == self.number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self.events.append(message)

    def open(self, url):
        self.events = []
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def ask(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, f"{expression}: {result['exceptionDetails']}"
        return result["result"].get("value")

    def mouse(self, *points):
        """Presses at the first point, moves over the others, lets go at the last."""
        def send(kind, point, buttons):
            self.call("Input.dispatchMouseEvent", type=kind, x=point[0], y=point[1], button="left", buttons=buttons,
                      clickCount=1)

        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=points[0][0], y=points[0][1])
        send("mousePressed", points[0], 1)
        for point in points[1:]:
            send("mouseMoved", point, 1)
        send("mouseReleased", points[-1], 0)

    def click(self, selector):
        """A click of the mouse where the element is seen, once it is."""
        box = self.box(selector)
        self.mouse((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))

    def box(self, selector):
        return self.ask(f"""(() => {{ const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{block: "center"}}); const box = element.getBoundingClientRect();
            return {{x: box.x, y: box.y, width: box.width, height: box.height}}; }})()""")

    def rows(self, key):
        """The shown rows of a table: name and count; None names those that have no row."""
        return self.ask(f"""Array.from(document.querySelectorAll("#table-{key} tbody tr"), (line) => {{
            const count = line.querySelector("td.count"), name = line.querySelector("td.name");
            return count && [name ? name.textContent : null, Number(count.textContent.replaceAll(",", ""))];
        }}).filter((row) => row)""")

    def chosen(self):
        """How many events the page says that the chosen range has."""
        text = self.ask("document.querySelector('#chosen span').textContent")
        return int(text.split("UTC: ")[1].split(" event")[0].replace(",", ""))


def same(found, expected, what):
    assert found == expected, f"{what}: {found!r} is not {expected!r}"


def check_tables(browser, truth):
    """Every row of every table, as `varve top` counts."""
    for key, rows in truth["top"].items():
        if browser.ask(f"!document.querySelector('#table-{key} button').hidden"):
            browser.click(f"#table-{key} button")
        shown = browser.rows(key)
        expected = sorted(((row["count"], label(key, row)) for row in rows), reverse=True)
        # The row of the others, which stands last, may have more.
        named = [(count, name) for name, count in shown if name is not None]
        same(sorted(named, reverse=True), expected, key)
        counts = [count for count, _ in named]
        assert counts == sorted(counts, reverse=True), f"{key}: order"


def check_range(browser, truth):
    """Clicks and drags: what is chosen narrows all that is shown."""
    whole = truth["count"]
    same(browser.chosen(), whole, "events")
    # A cell of the heat map, by operation.
    browser.ask("""(() => { const by = document.querySelector("#heat-by"); by.value = "op";
                            by.dispatchEvent(new Event("change")); })()""")
    cell = "#heatmap .cells rect"
    count, name = browser.ask(f"""(() => {{ const cell = document.querySelector("{cell}");
        return [Number(cell.dataset.count), cell.querySelector("title").textContent.split("\\n")[0]]; }})()""")
    browser.click(cell)
    within = browser.chosen()
    assert count <= within, f"{within} events in the time of a cell of {count}"
    same(dict(browser.rows("op"))[name], count, f"{name} in the time of a cell")
    browser.click("#whole")
    same(browser.chosen(), whole, "events again")
    # The left half of the timeline, dragged over, then the right half by the slider.
    box = browser.box("#timeline .brush .overlay")
    middle = box["y"] + box["height"] / 2
    half = box["x"] + box["width"] / 2
    browser.mouse((box["x"] + 1, middle), (box["x"] + 20, middle), (half, middle))
    left = browser.chosen()
    bucket = browser.ask("Number(document.querySelector('#until').value)")
    same(sum(count for _, count in browser.rows("path")), left, "events of the left half")
    browser.click("#whole")
    browser.ask(f"""(() => {{ const from = document.querySelector("#from"); from.value = {bucket};
                             from.dispatchEvent(new Event("input")); }})()""")
    same(left + browser.chosen(), whole, "both halves")
    browser.click("#whole")


def browse(path, truth_path):
    truth = json.loads(Path(truth_path).read_text(encoding="utf-8"))
    url = Path(path).resolve().as_uri()
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        try:
            browser.open(url)
            # The tables are opened to their last rows by the first.
            check_tables(browser, truth)
            check_range(browser, truth)
            gaps = browser.ask("Array.from(document.querySelectorAll('#gaps tbody tr'), "
                               "(line) => line.children.length > 1 ? line.children[2].textContent : null)")
            same(sorted(filter(None, gaps)), sorted(gap["type"] for gap in truth["gaps"]), "gaps")
            same(browser.ask("document.querySelectorAll('#timeline rect.gap').length > 0"), bool(truth["gaps"]), "painted")
            assert browser.ask("document.querySelectorAll('#trees li').length") > 0, "no process tree"
            commits = browser.ask("Array.from(document.querySelectorAll('#commits tbody tr'), "
                                  "(line) => Number(line.children[2].textContent.replaceAll(',', '')))")
            assert commits, "no commit"
            same(commits, [commit["commit"] for commit in truth["commits"]], "commits")
            same(browser.ask("document.querySelectorAll('script').length"), 3, "scripts")
            requests = [event["params"]["request"]["url"] for event in browser.events
                        if event.get("method") == "Network.requestWillBeSent"]
            same(requests, [url], "requests")
            complaints = [event for event in browser.events
                          if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded",
                                                     "Page.javascriptDialogOpening", "Runtime.consoleAPICalled")]
            same(complaints, [], "complaints")
            # What is missing is said without any script as well.
            browser.call("Emulation.setScriptExecutionDisabled", value=True)
            browser.open(url)
            browser.call("Emulation.setScriptExecutionDisabled", value=False)
            same(browser.ask("document.querySelector('#report').children.length"), 0, "parts that need a script")
            text = browser.ask("document.querySelector('#unknown').innerText")
            for gap in truth["gaps"]:
                # Missed commits are told by their database.
                word = "database " if gap["type"] == "wal_missed" else gap["type"]
                assert word in text, f"{word} is not in {text!r}"
        finally:
            browser.close()
    print("the page says what varve says")


{"parse": parse, "browse": browse}[sys.argv[1]](*sys.argv[2:])
