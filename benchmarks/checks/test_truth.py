"""What counts as lost, and what as merged."""

import tempfile
import unittest
from collections import Counter

from harness.store import nanoseconds
from harness.truth import Operation, Truth, read_truth, score

KINDS = frozenset({"attrib", "rename"})


def two_names():
    """A file's mode is changed at 10, its directory renamed at 20, its mode changed again at 30."""
    operations = [Operation("attrib", "/a/f", "f", 10, 20), Operation("rename", "/a", "a", 20, 30),
                  Operation("attrib", "/b/f", "f", 30, 40)]
    return Truth(Counter((one.kind, one.path) for one in operations), operations=operations)


class LostAndMerged(unittest.TestCase):
    def test_a_record_that_covers_both_names_is_merged(self):
        recorded = Counter({("attrib", "/a/f"): 1, ("rename", "/a"): 1})
        found = score(two_names(), recorded, KINDS, windows={("attrib", "/a/f"): [(5, 50)], ("rename", "/a"): [(5, 50)]})
        self.assertEqual((found.lost, found.merged, found.joined, found.extra), (0, 1, 1, 0))

    def test_a_record_read_before_the_second_operation_covers_only_the_first(self):
        recorded = Counter({("attrib", "/a/f"): 1, ("rename", "/a"): 1})
        found = score(two_names(), recorded, KINDS, windows={("attrib", "/a/f"): [(5, 25)], ("rename", "/a"): [(5, 50)]})
        self.assertEqual((found.lost, found.merged, found.joined), (1, 0, 0))

    def test_a_record_of_another_kind_covers_nothing(self):
        recorded = Counter({("rename", "/a"): 1})
        found = score(two_names(), recorded, KINDS, windows={("rename", "/a"): [(5, 50)]})
        self.assertEqual((found.lost, found.joined), (2, 0))

    def test_without_windows_it_is_lost_and_said_to_be_in_doubt(self):
        found = score(two_names(), Counter({("attrib", "/a/f"): 1, ("rename", "/a"): 1}), KINDS)
        self.assertEqual((found.lost, found.merged, found.doubtful), (1, 0, 1))

    def test_each_operation_of_the_missing_path_has_to_be_covered(self):
        truth = two_names()
        truth.operations.append(Operation("attrib", "/b/f", "f", 90, 95))
        truth.pairs["attrib", "/b/f"] += 1
        found = score(truth, Counter({("attrib", "/a/f"): 1, ("rename", "/a"): 1}), KINDS,
                      windows={("attrib", "/a/f"): [(5, 50)]})
        self.assertEqual((found.lost, found.joined), (1, 0))

    def test_truth_is_read_with_and_without_times(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("attrib\t/a/f\tf\t10\nrename\t/a\ta\t20\n")
            file.flush()
            truth = read_truth(file.name)
        self.assertEqual(truth.pairs, Counter({("attrib", "/a/f"): 1, ("rename", "/a"): 1}))
        self.assertEqual([(one.begin, one.end) for one in truth.operations], [(10, 20), (20, float("inf"))])
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("create\t/a/f\n")
            file.flush()
            self.assertEqual(read_truth(file.name), Truth(Counter({("create", "/a/f"): 1})))
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("modify\t/a/f\t7\nmodify\t/a/f\t2\nclose_write\t/a/f\n")
            file.flush()
            self.assertEqual(read_truth(file.name).pairs, Counter({("modify", "/a/f"): 9, ("close_write", "/a/f"): 1}))

    def test_moments_have_nanoseconds(self):
        self.assertEqual(nanoseconds("1970-01-01T00:00:01.000000002Z"), 1_000_000_002)
        self.assertEqual(nanoseconds("1970-01-01T00:00:01.5Z"), 1_500_000_000)
        self.assertEqual(nanoseconds("1970-01-01T00:01:00Z"), 60_000_000_000)
