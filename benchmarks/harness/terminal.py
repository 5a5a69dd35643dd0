"""What a person sees while it runs: lines that stay, and on a terminal one line that tells how far it is."""

import sys
import time


class Terminal:
    """`scenario` of `scenarios`, the round of it, and the time since the start; nothing of it where stderr is a file."""

    def __init__(self, scenario_count):
        self.scenario_count = scenario_count
        self.scenario_index = 0
        self.scenario = ""
        self.started = time.monotonic()
        self.is_terminal = sys.stderr.isatty()
        self.shown = 0

    def begin(self, scenario):
        self.scenario = scenario
        self.scenario_index += 1
        self.say(f"{scenario}:")
        self.progress(0, 0)

    def say(self, text):
        self.clear()
        print(text, flush=True)

    def complain(self, text):
        self.clear()
        print(text, file=sys.stderr, flush=True)

    def progress(self, done, wanted):
        if not self.is_terminal:
            return
        minutes, seconds = divmod(int(time.monotonic() - self.started), 60)
        line = f"[{self.scenario_index}/{self.scenario_count} {minutes}:{seconds:02}] {self.scenario}"
        if wanted:
            line += f" {'#' * (20 * done // wanted):.<20} {done}/{wanted}"
        self.clear()
        self.shown = len(line)
        print(line, end="", file=sys.stderr, flush=True)

    def clear(self):
        if self.shown:
            print("\r" + " " * self.shown + "\r", end="", file=sys.stderr, flush=True)
            self.shown = 0
