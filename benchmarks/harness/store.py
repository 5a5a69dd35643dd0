"""What a finished store says: its events, its gaps, and how many events a live recorder has stored."""

import json
import subprocess
from collections import Counter
from datetime import datetime, timezone
from functools import lru_cache

from .processes import BenchmarkError, die_with_parent


def events(tools, store):
    """Every event of a store, as `varve events -o jsonl` says it."""
    process = subprocess.Popen(
        [str(tools.varve), "events", "--store", str(store), "-o", "jsonl", "--accept-gaps"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
    try:
        for line in process.stdout:
            yield json.loads(line)
        if process.wait() not in (0, 1):
            raise BenchmarkError(f"varve events: exit {process.returncode}")
    finally:
        process.stdout.close()
        process.wait()


def nanoseconds(moment):
    """Since the epoch, of RFC 3339 in UTC with any number of decimals."""
    seconds, _, decimals = moment.removesuffix("Z").partition(".")
    return whole_seconds(seconds) * 1_000_000_000 + int(decimals[:9].ljust(9, "0"))


@lru_cache
def whole_seconds(moment):
    """Of many events that follow each other it is the same."""
    return int(datetime.fromisoformat(moment).replace(tzinfo=timezone.utc).timestamp())


def gaps(tools, store):
    listed = tools.query(store, "gaps", "-o", "jsonl", accepted=(0, 1, 3))
    return Counter(json.loads(line)["type"] for line in listed.splitlines() if line.startswith("{"))


def stored_count(counters):
    for key in ("events_committed", "events_stored", "events"):
        if key in counters:
            return counters[key]
    return 0
