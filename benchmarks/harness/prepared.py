"""What a scenario makes before it can measure, kept or not."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path


class Prepared:
    """Steps whose results lie in a directory, each made once: where it is kept, a later run begins after the last step that
    was whole."""

    def __init__(self, directory):
        self.directory = Path(directory)

    def place(self, step):
        return self.directory / step

    def step(self, name, make):
        """`make` is given a place that does not exist yet, and what it returns, as JSON, says that the step is whole."""
        told = self.directory / f"{name}.json"
        if not told.exists():
            shutil.rmtree(self.place(name), ignore_errors=True)
            given = make(self.place(name))
            told.write_text(json.dumps(given))
        return json.loads(told.read_text())


@contextmanager
def prepared(bench, name):
    """In the directory that --stores names, else in one that is deleted with the block."""
    if bench.options.stores:
        directory = Path(bench.options.stores) / name
        directory.mkdir(parents=True, exist_ok=True)
        yield Prepared(directory)
    else:
        with bench.store() as directory:
            directory.mkdir()
            yield Prepared(directory)
