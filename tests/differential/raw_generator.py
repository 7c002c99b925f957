"""Draws bytes that are nearly requests."""

import random

from arguments import integer
from generator import Generator


class RawGenerator:
    """Draws bytes that are nearly requests: valid ones with a few bytes changed, cut or repeated, inline
    commands with every kind of quoting, and lengths that are not."""

    LENGTHS = [b"0", b"-1", b"-2", b"1", b"3", b"x", b"", b"+3", b"03", b" 3", b"3 ", b"1048577",
               b"2147483648", b"4294967297", b"9223372036854775808", b"536870913"]  # fmt: skip
    INLINE = [b"PING", b"SET k v", b"get k", b"", b" ", b"\t", b"ECHO \"a b\"", b"ECHO 'a b'", b"ECHO \"a",
              b"ECHO 'a", b"ECHO \"a\"b", b"ECHO \"\\x41\\n\\\"\"", b"ECHO 'it\\'s'", b"ECHO \\x41",
              b"PING\x00", b"nosuch a\tb", b"ECHO \"\\xzz\"", b"  ECHO  a  ", b"ECHO a\rb"]  # fmt: skip

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.commands = Generator(seed)

    def next(self):
        kind = self.random.randrange(4)
        if kind == 0:
            ending = self.random.choice([b"\r\n", b"\n"])
            return b"".join(self.random.choice(self.INLINE) + ending for _ in range(5))
        requests = b"".join(self._request() for _ in range(self.random.randint(1, 4)))
        if kind == 1:
            return self._damaged(requests) + b"PING\r\n"
        if kind == 2:
            return self.random.choice([b"*0\r\n", b"*-1\r\n", b"\r\n", b"*-7\r\n"]) + requests
        return requests[: self.random.randrange(len(requests) + 1)]

    def _request(self):
        args = self.random.choice(
            [[b"SET", b"r", b"v"], [b"GET", b"r"], [b"PING"], [b"ECHO", b"\r\n"], [b"MGET", b"r", b"s"]]
        )
        parts = [b"*%d\r\n" % len(args)]
        for arg in args:
            length = integer(len(arg))
            if self.random.random() < 0.05:
                length = self.random.choice(self.LENGTHS)
            parts.append(b"$%b\r\n%b\r\n" % (length, arg))
        if self.random.random() < 0.1:
            parts[0] = b"*%b\r\n" % self.random.choice(self.LENGTHS)
        return b"".join(parts)

    def _damaged(self, data):
        data = bytearray(data)
        for _ in range(self.random.randint(1, 3)):
            place = self.random.randrange(len(data))
            kind = self.random.randrange(3)
            if kind == 0:
                data[place] = self.random.choice(b"\r\n$*:+-0123456789a\x00\xff ")
            elif kind == 1:
                del data[place]
            else:
                data.insert(place, self.random.choice(b"\r\n$*0 a"))
            if not data:
                return b""
        return bytes(data)
