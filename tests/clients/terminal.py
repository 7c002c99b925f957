"""A program on a terminal of its own, for what it does only when a person seems to be there."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROWS, COLUMNS = 40, 200
WAIT_S = 10


class Terminal:
    """Types into the program and reads what it shows. Use as a context: the program ends with it."""

    def __init__(self, command):
        self.leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            command, stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
            env=os.environ | {"TERM": "xterm", "HOME": "/nonexistent"},  # no history, no redisclirc
        )
        os.close(follower)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.leader)

    def type(self, keys):
        os.write(self.leader, keys.encode())

    def read_until(self, pattern):
        """What it shows from now on, without colours, until the pattern is found or time is up."""
        shown, deadline = "", time.monotonic() + WAIT_S
        while not re.search(pattern, shown):
            ready, _, _ = select.select([self.leader], [], [], deadline - time.monotonic())
            if not ready:
                break
            try:
                received = os.read(self.leader, 1 << 16)
            except OSError:  # the program has ended
                break
            shown = ESCAPES.sub("", shown + received.decode(errors="replace"))
        return shown
