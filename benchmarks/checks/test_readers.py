"""What a follower is said to have missed, and what a process is said to have taken of memory."""

import sys
import unittest
from unittest import mock

from harness.processes import BenchmarkError, peak_mebibytes
from harness.scenarios import readers


def told(text, last):
    with mock.patch.object(readers, "LATE_SECONDS", 0.5):
        with readers.Listener("follower", ["printf", text]) as listener:
            listener.thread.join(10)
            return listener.missed(last)


class Missed(unittest.TestCase):
    def test_from_the_first_line_to_the_last_of_the_store(self):
        self.assertEqual(told("seq,time\\n7,a\\n8,b\\n9,c\\n", 9), 0)

    def test_a_line_that_is_not_there(self):
        self.assertEqual(told("seq,time\\n7,a\\n9,c\\n", 9), 1)
        self.assertEqual(told("seq,time\\n7,a\\n8,b\\n", 12), 4)

    def test_a_line_too_many(self):
        self.assertEqual(told("seq,time\\n7,a\\n8,b\\n8,b\\n9,c\\n", 9), -1)

    def test_nothing_at_all(self):
        with self.assertRaises(BenchmarkError):
            told("", 9)


class Memory(unittest.TestCase):
    def test_what_a_process_has_touched_counts_and_what_this_one_has_does_not(self):
        own = bytearray(192 << 20)
        program = "import time; {}time.sleep(0.3)"
        small = peak_mebibytes([sys.executable, "-c", program.format("")])
        large = peak_mebibytes([sys.executable, "-c", program.format("x = bytearray(96 << 20); ")])
        self.assertLess(small, 96)
        self.assertTrue(small + 64 < large < small + 160)
        self.assertEqual(len(own), 192 << 20)

    def test_a_failure_is_told_with_what_it_said(self):
        with self.assertRaisesRegex(BenchmarkError, "exit 3: no room"):
            peak_mebibytes(["sh", "-c", "echo no room >&2; exit 3"])
