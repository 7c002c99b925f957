#!/usr/bin/env python3
"""Writes commands.resp3: what Redis says of each command that larder has too.

    redis-server --port 7000 --save "" & ./capture_commands.py 7000 > commands.resp3

Each entry is a line "=== info get" or "=== docs get" and the RESP3 element of COMMAND INFO or COMMAND
DOCS, with LF for CRLF. Subcommands are entries of their own and left out of their container's, since
Redis lists them in random order.
"""
import socket
import sys

COMMANDS = """
ping echo quit reset select hello auth
client client|id client|info client|list client|getname client|setname client|kill client|reply
client|caching client|getredir client|no-evict client|pause client|tracking client|trackinginfo
client|unblock client|unpause client|help
command command|count command|docs command|getkeys command|getkeysandflags command|help
command|info command|list
config config|get config|set config|resetstat config|rewrite config|help
info debug monitor shutdown dbsize flushdb flushall swapdb
get set del unlink exists type strlen incr decr incrby decrby append setrange getrange getdel getex
mset msetnx mget setnx setex psetex getset substr incrbyfloat lcs
setbit getbit bitcount bitpos bitop bitfield bitfield_ro
expire pexpire expireat pexpireat ttl pttl expiretime pexpiretime persist
multi exec discard watch unwatch
rename renamenx scan keys randomkey copy move dump restore wait
object object|encoding object|freq object|idletime object|refcount object|help touch
time role lastsave lolwut
slowlog slowlog|get slowlog|len slowlog|reset slowlog|help
latency latency|doctor latency|graph latency|help latency|histogram latency|history latency|latest
latency|reset
memory memory|doctor memory|help memory|malloc-stats memory|purge memory|stats memory|usage
""".split()


def request(*args):
    return b"*%d\r\n" % len(args) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a.encode()) for a in args)


class Element:
    """One RESP3 value: its first line, its bulk text and the values within it."""

    def __init__(self, stream):
        self.head = stream.readline()
        kind = self.head[:1]
        count = int(self.head[1:]) if kind in b"$*~%" else 0
        self.text = stream.read(count + 2) if kind == b"$" else b""
        within = {b"*": count, b"~": count, b"%": 2 * count}.get(kind, 0)
        self.values = [Element(stream) for _ in range(within)]

    def wire(self):
        return self.head + self.text + b"".join(value.wire() for value in self.values)


def main():
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    stream = connection.makefile("rb")

    def ask(*args):
        connection.sendall(request(*args))
        return Element(stream)

    def entry(kind, name, values):
        wire = b"".join(value.wire() for value in values)
        print(f"=== {kind} {name}\n{wire.decode()}".replace("\r\n", "\n"), end="")

    ask("HELLO", "3")
    for name in COMMANDS:
        info = ask("COMMAND", "INFO", name).values[0]
        if info.values[9].values:
            info.values[9].head, info.values[9].values = b"~0\r\n", []
        entry("info", name, [info])

        name_and_map = ask("COMMAND", "DOCS", name).values
        fields = name_and_map[1]
        if fields.values[-2].text == b"subcommands\r\n":
            del fields.values[-2:]
            fields.head = b"%%%d\r\n" % (len(fields.values) // 2)
        entry("docs", name, name_and_map)


main()
