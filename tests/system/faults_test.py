#!/usr/bin/env python3
"""Connections that are killed, half-closed, stalled or flooded, beside clients that behave.

What the latter had acknowledged is there, while it happens and afterwards; who disappears leaves
nothing behind: no half of a transaction, no memory; and many connections are all served.

    LARDER_BINARY=build/larder tests/system/faults_test.py [-v] [TestClass.test]

LARDER_ROUNDS makes the attacks longer. Under a sanitizer (LARDER_SANITIZE), memory is not measured.
"""

import os
import pathlib
import random
import resource
import socket
import sys
import threading
import time
import unittest

for directory in ("differential", "support"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / directory))

import resp
from server_process import Server
from servers import Connection

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("LARDER_BINARY", str(ROOT / "build" / "larder"))
SANITIZED = bool(os.environ.get("LARDER_SANITIZE"))
ROUNDS = max(1, int(8 * float(os.environ.get("LARDER_ROUNDS", "1"))))

KINDS = ("rcu", "mutex", "sync")
SURVIVORS = 3
KEYS_A_SURVIVOR = 40
PIPELINE = 20
OUTPUT_LIMIT_BYTES = 1 << 20
BIG_VALUE_BYTES = 100_000
CONNECTIONS = 10_000
SPARE_FILES = 100
DESERTERS = 300
SETTLE_S = 60 if SANITIZED else 15
MEMORY_LEFT_MAX = 64 << 10  # rounded tables, and the buffers of who asks
# From one wave of connections to the next. A heap grows by huge pages where the kernel gives them
# unasked, and the kernel deals the connections to the threads as it likes: two such pages a thread.
RESIDENT_GROWTH_MAX = 8 << 20


def proof(key, number):
    """The value of the `number`th write to a key: no other write has it, nor a part of it."""
    filler = random.Random(f"{key}/{number}").randbytes(16).hex()
    repeats = (0, 1, 10, 200)[number % 4]  # in line, and above 4 KiB
    return f"{key}/{number}/{filler * repeats}".encode()


def number_in(key, value):
    """Which write to the key it was; raises ValueError if it was none."""
    parts = (value or b"//").split(b"/")
    number = int(parts[1] or 0)
    if value is not None and value != proof(key, number):
        raise ValueError(f"{key} holds {value[:80]!r}")
    return number


class Survivor(threading.Thread):
    """Writes to keys of its own, over and over. `acknowledged`: the last write to each that the
    server has said to have done."""

    def __init__(self, port, name):
        super().__init__(daemon=True)
        self.connection = Connection(port)
        self.keys = [f"{name}:{i}" for i in range(KEYS_A_SURVIVOR)]
        self.acknowledged = dict.fromkeys(self.keys, 0)
        self.writes = 0
        self.problem = None
        self.stopping = threading.Event()

    def run(self):
        try:
            while not self.stopping.is_set():
                self._write_some()
        except Exception as error:  # for the test to report
            self.problem = error

    def _write_some(self):
        batch = []
        for _ in range(PIPELINE):
            self.writes += 1
            batch.append((self.keys[self.writes % len(self.keys)], self.writes))
        requests = [resp.encode([b"SET", key.encode(), proof(key, n)]) for key, n in batch]
        self.connection.send(b"".join(requests))
        replies = self.connection.read_replies(len(batch))
        for (key, number), reply in zip(batch, replies):
            if reply != b"+OK\r\n":
                raise ValueError(f"SET {key} answered {reply[:80]!r}")
            self.acknowledged[key] = number
        self._check(*batch[-1])

    def _check(self, key, number):
        kind, value = self.connection.command(b"GET", key.encode())
        if kind != "$" or number_in(key, value) != number:
            raise ValueError(f"{key}: wrote {number}, then read {kind} {(value or b'')[:80]!r}")

    def stop(self):
        self.stopping.set()
        self.join()
        self.connection.close()


# --- Attacks: each opens a connection and returns it if it is to stay open ------------------------


def kill_in_mid_pipeline(port, source):
    connection = Connection(port)
    sets = b"".join(resp.encode([b"SET", b"attack", b"x" * 100]) for _ in range(500))
    connection.send(sets[: source.randrange(len(sets))])
    connection.reset()


def half_close(port, source):
    connection = Connection(port)
    count = source.randrange(1, 2000)
    connection.send(resp.encode([b"SET", b"attack", b"y"]) * count + b"*2\r\n$3\r\nGET\r\n")
    received = connection.read_all()
    connection.close()
    if received != b"+OK\r\n" * count:
        raise AssertionError(f"{count} requests, half-close: got {len(received) // 5} replies")


def stop_sending(port, source):
    connection = Connection(port)
    request = resp.encode([b"SET", b"attack", b"z" * 20_000])
    connection.send(request[: source.randrange(1, len(request))])
    return connection


def stop_reading(port, source):
    del source
    connection = Connection(port)
    connection.send(resp.encode([b"GET", b"big"]) * 200)
    return connection


def send_garbage(port, source):
    connection = Connection(port)
    likely = b"*$\r\n0123456789-PINGSETGET "
    size = source.randrange(1, 50_000)
    connection.send(bytes(source.choice(likely) for _ in range(size // 10)))
    connection.send(source.randbytes(size))
    return connection


def declare_huge_lengths(port, source):
    connection = Connection(port)
    connection.send(
        source.choice(
            (
                b"*1048576\r\n",
                b"*2\r\n$536870912\r\n",
                b"*3\r\n$3\r\nSET\r\n$6\r\nattack\r\n$536870912\r\nx",
                b"*2147483647\r\n",
                b"*1\r\n$4294967296\r\n",
                b"*-1\r\n*0\r\n*1\r\n$-1\r\n",
            )
        )
    )
    return connection


def pipeline_without_reading(port, source):
    """Until the server closes, or takes no more."""
    connection = Connection(port, timeout_s=0.2)
    command = source.choice(([b"GET", b"big"], [b"PING"], [b"MGET", b"big", b"attack"]))
    requests = resp.encode(command) * 1000
    end = time.monotonic() + 0.5
    try:
        while time.monotonic() < end:
            connection.socket.sendall(requests)
    except OSError:
        pass
    return connection


def vanish_in_multi(port, source):
    connection = Connection(port)
    connection.send(resp.encode([b"WATCH", b"attack"]) + resp.encode([b"MULTI"]))
    connection.send(resp.encode([b"SET", b"half-done", b"x"]) * source.randrange(1, 100))
    source.choice((connection.reset, connection.close))()


ATTACKS = (
    kill_in_mid_pipeline,
    half_close,
    stop_sending,
    stop_reading,
    send_garbage,
    declare_huge_lengths,
    pipeline_without_reading,
    vanish_in_multi,
)


class ServerTest(unittest.TestCase):
    """Starts a server for a test; it must end well when asked to."""

    def start(self, *flags):
        self.server = Server(BINARY, list(flags))
        self.addCleanup(self.server.stop)
        self.connection = Connection(self.server.port)
        self.addCleanup(self.connection.close)

    def run_command(self, *args):
        return self.connection.command(*(str(arg).encode() for arg in args))

    def info(self, section):
        _, text = self.run_command("INFO", section)
        return dict(line.split(":", 1) for line in text.decode().splitlines() if ":" in line)

    def used_memory(self):
        return int(self.info("memory")["used_memory"])

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def expect_soon(self, what, condition):
        end = time.monotonic() + SETTLE_S
        while not condition():
            self.assertLess(time.monotonic(), end, f"{what}: not within {SETTLE_S} s")
            time.sleep(0.02)

    def expect_alone(self):
        """Nobody is connected, or waits, but who asks."""
        alone = {"connected_clients": "1", "blocked_clients": "0"}
        self.expect_soon("alone", lambda: alone.items() <= self.info("clients").items())

    def expect_memory_back(self, before_bytes):
        if not SANITIZED:
            limit = before_bytes + MEMORY_LEFT_MAX
            self.expect_soon(
                f"used_memory back at {before_bytes}", lambda: self.used_memory() <= limit
            )

    def expect_clean_end(self):
        self.assertTrue(self.server.alive(), self.server.output())
        self.assertEqual(self.server.terminate(), 0, self.server.output())


class SurvivorsTest(ServerTest):
    """Every kind of attack in turn, while others write."""

    def test_acknowledged_writes_are_there(self):
        for kind in KINDS:
            with self.subTest(map=kind):
                self.attack_beside_writers(kind)

    def attack_beside_writers(self, kind):
        self.start("--map", kind, "--threads", "2")
        before_bytes = self.used_memory()
        self.run_command("SET", "big", "b" * BIG_VALUE_BYTES)
        limit = f"normal {OUTPUT_LIMIT_BYTES} 0 0"
        self.run_command("CONFIG", "SET", "client-output-buffer-limit", limit)
        survivors = [Survivor(self.server.port, f"survivor{i}") for i in range(SURVIVORS)]
        for survivor in survivors:
            survivor.start()
        source = random.Random(kind)
        left_open = []
        for _ in range(ROUNDS):
            for attack in ATTACKS:
                connection = attack(self.server.port, source)
                if connection is not None:
                    left_open.append(connection)
            self.check_survivors(survivors)
        for connection in left_open:
            source.choice((connection.close, connection.reset))()
        for survivor in survivors:
            survivor.stop()
        self.check_survivors(survivors, exactly=True)
        self.assertEqual(self.run_command("EXISTS", "half-done"), (":", 0))
        self.expect_alone()
        self.run_command("FLUSHALL")
        self.expect_memory_back(before_bytes)
        self.expect_clean_end()

    def check_survivors(self, survivors, exactly=False):
        """Each key holds a whole value, of the last write acknowledged or of a later one."""
        for survivor in survivors:
            self.assertIsNone(survivor.problem)
            acknowledged = dict(survivor.acknowledged)
            _, values = self.run_command("MGET", *acknowledged)
            for (key, number), (_, value) in zip(acknowledged.items(), values, strict=True):
                found = number_in(key, value)
                self.assertGreaterEqual(found, number, f"{key} lost a write")
                if exactly:
                    self.assertEqual(found, number, key)
            if exactly:
                self.assertGreater(min(acknowledged.values()), 0, "a key was never written")


class DesertersTest(ServerTest):
    """Clients that disappear in the middle of what they had begun."""

    def test_nothing_is_left_of_them(self):
        for kind in KINDS:
            with self.subTest(map=kind):
                self.desert(kind)

    def desert(self, kind):
        self.start("--map", kind, "--threads", "2")
        self.run_command("MSET", "watched", "1", "kept", "1")
        beginnings = [
            [("MULTI",), ("SET", "kept", "2"), ("SET", "new", "x" * 10_000)],
            [("WATCH", "watched", "none", *map(str, range(200)))],
            [("WATCH", "watched"), ("SELECT", "1"), ("WATCH", "watched"), ("MULTI",), ("NOSUCH",)],
            *([wait] for wait in self.waits()),
        ]
        self.leave(beginnings)  # buffers and tables reach their size
        before_bytes = self.used_memory()
        self.leave(beginnings)
        self.expect_memory_back(before_bytes)
        self.assertEqual(self.run_command("MGET", "kept", "new")[1], [("$", b"1"), ("_", None)])
        self.assertEqual(self.run_command("DBSIZE"), (":", 2))
        # The dead watch nothing: a transaction of the living runs.
        for command in (("WATCH", "watched"), ("MULTI",), ("INCR", "watched")):
            self.run_command(*command)
        self.assertEqual(self.run_command("EXEC"), ("*", [(":", 2)]))
        self.expect_clean_end()

    def waits(self):
        """Commands whose reply does not come by itself, or not soon, as far as the server has
        them."""
        candidates = [
            ("DEBUG", "SLEEP", "0.3"),
            ("BLPOP", "none", "0"),
            ("BLMOVE", "none", "other", "LEFT", "LEFT", "0"),
            ("BZPOPMIN", "none", "0"),
            ("XREAD", "BLOCK", "0", "STREAMS", "none", "$"),
            ("WAIT", "1", "0"),
        ]
        known = self.run_command("COMMAND", "INFO", *(command[0] for command in candidates))[1]
        return [wait for wait, (_, entry) in zip(candidates, known, strict=True) if entry]

    def leave(self, beginnings):
        """Each of many clients begins something, which the server has seen, and is gone."""
        connections = []
        for i in range(DESERTERS):
            connection = Connection(self.server.port)
            commands = [("PING",), *beginnings[i % len(beginnings)]]
            connection.send(b"".join(resp.encode([a.encode() for a in c]) for c in commands))
            connections.append(connection)
        for i, connection in enumerate(connections):
            self.assertEqual(connection.read_replies(1), [b"+PONG\r\n"])
            (connection.reset if i % 2 else connection.close)()
        self.expect_alone()


class ManyConnectionsTest(ServerTest):
    """As many connections as the limit on files permits, up to 10,000: all are served, and memory
    comes back."""

    def test_all_are_answered_and_memory_comes_back(self):
        count = self.permitted_connections()
        self.start("--threads", "2", "--maxclients", str(count + SPARE_FILES // 2))
        used_before, resident_before = self.used_memory(), self.resident_bytes()
        resident_most = [self.serve(count) for _ in range(3)]
        self.expect_memory_back(used_before)
        if not SANITIZED:
            # What the allocator keeps of the first waves must do for the last.
            self.assertLess(resident_most[-1], resident_most[-2] + RESIDENT_GROWTH_MAX)
        resident = [resident_before, *resident_most, self.resident_bytes()]
        print(
            f"{count:,} connections, {len(resident_most)} times: "
            f"used {used_before:,} -> {self.used_memory():,} B, "
            f"resident {' -> '.join(f'{size:,}' for size in resident)} B",
            file=sys.stderr,
        )
        self.expect_clean_end()

    def serve(self, count):
        """Opens and uses `count` connections at once; the server's resident memory then."""
        connections = [Connection(self.server.port) for _ in range(count)]
        for i, connection in enumerate(connections):
            value = b"%d" % i * 500
            connection.send(resp.encode([b"SET", b"k", value]) + resp.encode([b"ECHO", value]))
        for i, connection in enumerate(connections):
            value = b"%d" % i * 500
            expected = [b"+OK\r\n", b"$%d\r\n%b\r\n" % (len(value), value)]
            self.assertEqual(connection.read_replies(2), expected)
        self.assertEqual(self.info("clients")["connected_clients"], str(count + 1))
        resident = self.resident_bytes()
        for connection in connections:
            connection.close()
        self.expect_alone()
        self.run_command("DEL", "k")
        return resident

    def permitted_connections(self):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        permitted = min(CONNECTIONS, most - SPARE_FILES)
        if permitted < CONNECTIONS:
            print(f"RLIMIT_NOFILE is {most:,}: only {permitted:,} connections", file=sys.stderr)
        return permitted


if __name__ == "__main__":
    unittest.main()
