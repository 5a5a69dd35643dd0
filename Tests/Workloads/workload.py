#!/usr/bin/python3
"""Performs file operations and writes down what the kernel should have reported about them.

usage: workload.py ROOT LOG SCRIPT...

Each SCRIPT is performed by a process of its own, all at the same time. A script is a text file, one operation a line:
the operation's name and percent-encoded paths relative to ROOT, separated by blanks. Each process appends to LOG, in one
write a line, what a recorder of the default operations must have seen:

    PID <tab> OPERATION <tab> PATH <tab> TARGET      (percent-encoded absolute paths; TARGET only for rename)

Link-count changes (the ATTRIB record that carries only a handle) are not written down: a recorder folds them.
"""
import ctypes
import os
import sys
import time
from urllib.parse import quote_from_bytes, unquote_to_bytes


class Workload:
    def __init__(self, root, log):
        self.root = os.fsencode(root)
        self.log = log
        self.pid = os.getpid()

    def path(self, word):
        name = unquote_to_bytes(word)
        return self.root + b"/" + name if name != b"." else self.root

    def note(self, operation, path, target=b""):
        line = "%d\t%s\t%s\t%s\n" % (self.pid, operation, quote_from_bytes(path), quote_from_bytes(target))
        os.write(self.log, line.encode())

    # One method an operation; each says what the kernel reports.

    def create(self, path, byte_count=b"0"):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self.note("create", path)
        self.put(descriptor, path, int(byte_count))

    def append(self, path, byte_count=b"1"):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        self.put(descriptor, path, int(byte_count))

    def put(self, descriptor, path, byte_count):
        if byte_count:
            os.write(descriptor, b"x" * byte_count)
            self.note("modify", path)
        os.close(descriptor)
        self.note("close_write", path)

    def tmpfile(self, path, target):
        """A file without a name in the directory PATH, written and then given the name TARGET."""
        descriptor = os.open(path, os.O_WRONLY | os.O_TMPFILE, 0o644)
        os.write(descriptor, b"x")
        here, follow = -100, 0x400
        source = b"/proc/self/fd/%d" % descriptor
        if ctypes.CDLL(None, use_errno=True).linkat(here, source, here, target, follow) != 0:
            raise OSError(ctypes.get_errno(), "linkat")
        self.note("create", target)
        os.write(descriptor, b"y")
        self.note("modify", target)
        os.close(descriptor)
        self.note("close_write", target)

    def truncate(self, path, byte_count=b"0"):
        os.truncate(path, int(byte_count))
        self.note("modify", path)

    def rewrite(self, path):
        """Open with O_TRUNC: the truncation is a modification, the close a close after writing."""
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
        self.note("modify", path)
        os.close(descriptor)
        self.note("close_write", path)

    def chmod(self, path, mode=b"600"):
        os.chmod(path, int(mode, 8))
        self.note("attrib", path)

    def utime(self, path):
        os.utime(path, (1, 1))
        self.note("attrib", path)

    def setxattr(self, path):
        os.setxattr(path, b"user.varve", b"x")
        self.note("attrib", path)

    def link(self, path, other):
        os.link(path, other)
        self.note("create", other)

    def symlink(self, path, target):
        os.symlink(target, path)
        self.note("create", path)

    def mkfifo(self, path):
        os.mkfifo(path)
        self.note("create", path)

    def unlink(self, path):
        os.unlink(path)
        self.note("delete", path)

    def rename(self, path, target):
        os.rename(path, target)
        self.note("rename", path, target)

    def exchange(self, path, other):
        """Two names change places: the kernel reports a rename for each."""
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
        here, exchange_flag = -100, 2
        if renameat2(here, path, here, other, exchange_flag) != 0:
            raise OSError(ctypes.get_errno(), "renameat2")
        self.note("rename", path, other)
        self.note("rename", other, path)

    def mkdir(self, path):
        os.mkdir(path)
        self.note("create", path)

    def mkdirs(self, path):
        if not os.path.isdir(path):
            self.mkdirs(os.path.dirname(path))
            self.mkdir(path)

    def rmdir(self, path):
        os.rmdir(path)
        self.note("delete", path)

    def rmtree(self, path):
        """What rm -rf does: children first."""
        for entry in os.scandir(path):
            if entry.is_dir(follow_symlinks=False):
                self.rmtree(entry.path)
            else:
                self.unlink(entry.path)
        self.rmdir(path)

    def mkdeep(self, path, name_byte_count, level_count):
        """Directories inside each other, deeper than any path a system call takes, with a file `f` in the last."""
        self.mkdir(path)
        directory = os.open(path, os.O_RDONLY)
        for level in range(int(level_count)):
            name = self.level_name(level, name_byte_count)
            path = path + b"/" + name
            os.mkdir(name, dir_fd=directory)
            self.note("create", path)
            above, directory = directory, os.open(name, os.O_RDONLY, dir_fd=directory)
            os.close(above)
        descriptor = os.open(b"f", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=directory)
        self.note("create", path + b"/f")
        self.put(descriptor, path + b"/f", 1)
        os.close(directory)

    def appenddeep(self, path, name_byte_count, level_count):
        """Writes to the file that mkdeep made."""
        directory = os.open(path, os.O_RDONLY)
        for level in range(int(level_count)):
            name = self.level_name(level, name_byte_count)
            path = path + b"/" + name
            above, directory = directory, os.open(name, os.O_RDONLY, dir_fd=directory)
            os.close(above)
        descriptor = os.open(b"f", os.O_WRONLY | os.O_APPEND, dir_fd=directory)
        self.put(descriptor, path + b"/f", 1)
        os.close(directory)

    @staticmethod
    def level_name(level, name_byte_count):
        return (b"%03d" % level).ljust(int(name_byte_count), b"n")

    def linger(self, millisecond_count):
        """Stays alive, so that a recorder can look at this process in peace."""
        time.sleep(int(millisecond_count) / 1000)

    def storm(self, path, file_count, repeat_count):
        """Opens, writes and closes FILE_COUNT files REPEAT_COUNT times, as fast as one process does."""
        names = [b"%s/%d" % (path, number) for number in range(int(file_count))]
        for name in names:
            self.create(name, b"1")
        for _ in range(int(repeat_count)):
            for name in names:
                descriptor = os.open(name, os.O_WRONLY)
                os.write(descriptor, b"y")
                os.close(descriptor)

    def perform(self, line):
        words = line.split(" ")
        method = getattr(self, words[0])
        numeric = {"create": 1, "append": 1, "truncate": 1, "chmod": 1, "storm": 1, "mkdeep": 1, "appenddeep": 1, "linger": 0}.get(words[0], len(words))
        # What `symlink` points at is text, not a place.
        if words[0] == "symlink":
            return self.symlink(self.path(words[1]), unquote_to_bytes(words[2]))
        arguments = [self.path(word) if place < numeric else word.encode() for place, word in enumerate(words[1:])]
        return method(*arguments)


def main():
    root, log_path, scripts = sys.argv[1], sys.argv[2], sys.argv[3:]
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    children = []
    for script in scripts:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                workload = Workload(root, log)
                with open(script) as lines:
                    for line in lines:
                        workload.perform(line.rstrip("\n"))
                status = 0
            except BaseException as error:  # the child must not run the parent's code after this
                sys.stderr.write("workload.py: %s: %r\n" % (script, error))
            finally:
                os._exit(status)
        children.append(child)
    failed = [child for child in children if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
