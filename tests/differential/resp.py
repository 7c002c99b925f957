"""The little of RESP that the differential test needs: encode a request, find where a reply ends,
and take a reply apart for the rules of normalise.py. Replies stay raw bytes everywhere else."""

AGGREGATES = {b"*": 1, b"~": 1, b">": 1, b"%": 2}


class Incomplete(Exception):
    """More bytes are needed."""


class Malformed(Exception):
    """No RESP reply starts like this."""


def encode(args):
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        parts.append(b"$%d\r\n%b\r\n" % (len(arg), arg))
    return b"".join(parts)


def reply_end(data, start):
    """The offset behind the reply that starts at `start`; raises Incomplete or Malformed."""
    replies_left = 1
    at = start
    while replies_left > 0:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            raise Incomplete
        kind = bytes(data[at : at + 1])
        next_at = line_end + 2
        replies_left -= 1
        if kind in (b"$", b"="):
            length = _number(data[at + 1 : line_end])
            if length >= 0:
                next_at += length + 2
                if next_at > len(data):
                    raise Incomplete
        elif kind in AGGREGATES:
            replies_left += max(_number(data[at + 1 : line_end]), 0) * AGGREGATES[kind]
        elif kind not in (b"+", b"-", b":", b"_", b",", b"#", b"("):
            raise Malformed(bytes(data[at : at + 40]))
        at = next_at
    return at


def parse(data):
    """A reply as a tree: (kind, value), value being bytes, an int, None or a list of trees. A map's
    list holds keys and values in turn."""
    tree, end = _parse(data, 0)
    if end != len(data):
        raise Malformed(data)
    return tree


def _parse(data, at):
    line_end = data.index(b"\r\n", at)
    kind = data[at : at + 1].decode("latin-1")
    text = bytes(data[at + 1 : line_end])
    at = line_end + 2
    if kind in "$=":
        length = _number(text)
        if length < 0:
            return ("_", None), at
        return (kind, bytes(data[at : at + length])), at + length + 2
    if kind.encode() in AGGREGATES:
        count = _number(text)
        if count < 0:
            return ("_", None), at
        children = []
        for _ in range(count * AGGREGATES[kind.encode()]):
            child, at = _parse(data, at)
            children.append(child)
        return (kind, children), at
    if kind == ":":
        return (kind, _number(text)), at
    if kind == "_":
        return (kind, None), at
    return (kind, text), at


def _number(text):
    try:
        return int(text)
    except ValueError:
        raise Malformed(bytes(text)) from None
