#!/usr/bin/env python3
"""Runs a program that takes its time on a terminal of its own, and presses Ctrl-C once it says how far it is.

usage: terminal.py FILE PROGRAM [ARGUMENT...]

The standard output goes to FILE, everything else to the terminal. However fast the machine is, the program gets only
moments to run once it has opened its store, until a line with a percentage has come. Prints as JSON what came over the terminal, as text, and how the
program ended: its exit code, or minus the number of the signal.
"""

import fcntl
import json
import os
import pty
import select
import signal
import sys
import termios
import time

RUNNING_SECONDS = 0.0002
STOPPED_SECONDS = 0.3
# How the line ends, as long as nobody has taken it away.
SHOWN = b" % \x1b[K"


def start(file, command):
    """The process and the terminal's other end."""
    master, slave = pty.openpty()
    child = os.fork()
    if child == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        output = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(slave, 0)
        os.dup2(output, 1)
        os.dup2(slave, 2)
        os.closerange(3, 64)
        os.execv(command[0], command)
    os.close(slave)
    return child, master


def read(master, text, seconds=0.0):
    """Adds what has come; false once nobody is left who could write."""
    while select.select([master], [], [], seconds)[0]:
        try:
            piece = os.read(master, 65_536)
        except OSError:
            return False
        if not piece:
            return False
        text += piece
    return True


def has_opened_store(child):
    try:
        return any(os.readlink(f"/proc/{child}/fd/{name}").endswith("/varve.db") for name in os.listdir(f"/proc/{child}/fd"))
    except OSError:
        return False


def interrupted(file, command):
    """What came over the terminal, and how the program ended."""
    child, master = start(file, command)
    text = bytearray()
    result = None
    while not text.endswith(SHOWN):
        time.sleep(RUNNING_SECONDS)
        os.kill(child, signal.SIGSTOP)
        if has_opened_store(child):
            time.sleep(STOPPED_SECONDS)
        read(master, text)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            result = os.waitstatus_to_exitcode(status)
            break
        if text.endswith(SHOWN):
            os.write(master, b"\x03")
        os.kill(child, signal.SIGCONT)
    while read(master, text, 5.0):
        pass
    if result is None:
        result = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(master)
    return text.decode(), result


def main():
    for _ in range(5):
        text, result = interrupted(sys.argv[1], sys.argv[2:])
        # It may have been done before a second was over, or while the line stood, moments as they were.
        if "^C" in text:
            break
    print(json.dumps({"text": text, "result": result}))


main()
