"""Reads the hand-written sequences in cases/*.txt.

One command a line, in redis-cli's notation: words, 'single quotes', "double quotes" with \\n, \\r, \\t,
\\b, \\a, \\\\, \\" and \\xHH. Empty lines and lines that start with # say nothing. Lines that start with !:

    !flags --requirepass secret   start both servers with these flags (first line only)
    !raw "PING\\r\\n"              send these bytes on a connection of their own, then end it, and
                                  compare all that comes back, up to the close
    !reconnect                    go on with new connections
"""

import pathlib

ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "b": b"\b", "a": b"\a"}


class Case:
    """steps: ("command", [bytes...], line) | ("raw", bytes, line) | ("reconnect", None, line)"""

    def __init__(self, path):
        self.name = path.stem
        self.flags = []
        self.password = None  # needed to switch to RESP3
        self.steps = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            try:
                self._add(line, number)
            except (ValueError, IndexError) as error:
                raise ValueError(f"{path}:{number}: {error}") from error

    def _add(self, line, number):
        if not line.startswith("!"):
            self.steps.append(("command", split(line), number))
            return
        word, *rest = split(line)
        if word == b"!flags":
            self.flags = [arg.decode() for arg in rest]
            if b"--requirepass" in rest:
                self.password = rest[rest.index(b"--requirepass") + 1]
        elif word == b"!raw":
            self.steps.append(("raw", b"".join(rest), number))
        elif word == b"!reconnect":
            self.steps.append(("reconnect", None, number))
        else:
            raise ValueError(f"unknown directive {word!r}")


def load():
    directory = pathlib.Path(__file__).resolve().parent / "cases"
    return [Case(path) for path in sorted(directory.glob("*.txt"))]


def split(line):
    args = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        arg = b""
        while at < len(line) and not line[at].isspace():
            if line[at] == '"':
                text, at = _double_quoted(line, at + 1)
                arg += text
            elif line[at] == "'":
                end = line.index("'", at + 1)
                arg += line[at + 1 : end].encode()
                at = end + 1
            else:
                arg += line[at].encode()
                at += 1
        args.append(arg)
    return args


def _double_quoted(line, at):
    text = b""
    while line[at] != '"':
        if line[at] != "\\":
            text += line[at].encode()
            at += 1
        elif line[at + 1] == "x":
            text += bytes([int(line[at + 2 : at + 4], 16)])
            at += 4
        else:
            text += ESCAPES.get(line[at + 1], line[at + 1].encode())
            at += 2
    return text, at + 1
