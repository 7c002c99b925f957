#!/usr/bin/env python3
"""Sends the same commands to larder and to redis-server and compares every reply, byte for byte.

Three parts, each in RESP2 and RESP3: the hand-written sequences in cases/, bytes that are nearly
requests, and generated command sequences. What may differ is written down in normalise.py.

    tests/differential/run.py                          20,000 commands in each protocol version
    tests/differential/run.py --commands 1000000 --map sync
    tests/differential/run.py --seed 17 --resp 3       what a difference was found with

The last line is a summary; the exit status is 0 only if it says `0 differences`.
"""

import argparse
import collections
import os
import random
import shlex
import sys
import time

import cases
import generator
import normalise
import servers

BATCH_MAX = 60  # commands in one write
CONTEXT_COMMANDS = 8  # earlier commands on the same keys shown with a difference
SAME_COMMAND_SHOWN_MAX = 3  # with --keep-going: differences printed of any one command
SHOWN_BYTES_MAX = 400


def shown(data):
    text = repr(bytes(data))[1:]
    if len(text) <= SHOWN_BYTES_MAX:
        return text
    return f"{text[:SHOWN_BYTES_MAX]}... ({len(data)} bytes)"


def shown_command(args):
    return " ".join(shown(arg)[1:-1] if arg.isalnum() else shown(arg) for arg in args)


class Report:
    """Counts, and prints differences."""

    def __init__(self, keep_going):
        self.keep_going = keep_going
        self.commands = 0
        self.differences = 0
        self.by_command = collections.Counter()

    def difference(self, where, args, ours, theirs, context=()):
        self.differences += 1
        name = args[0].upper()[:40] if args else b""
        self.by_command[name] += 1
        if self.by_command[name] > SAME_COMMAND_SHOWN_MAX:
            return
        print(f"--- difference: {where}")
        for earlier in context:
            print(f"    before: {shown_command(earlier)}")
        print(f"    command: {shown_command(args)}")
        print(f"    larder:  {shown(ours)}")
        print(f"    oracle:  {shown(theirs)}", flush=True)

    def stop(self):
        return self.differences > 0 and not self.keep_going

    def summary(self):
        if len(self.by_command) > 1:
            for name, count in self.by_command.most_common():
                print(f"    {count:6} {shown(name)}")
        return f"{self.commands} commands, {self.differences} differences"


class Comparison:
    """One run against one pair of servers in one protocol version."""

    def __init__(self, pair, report, label):
        self.pair = pair
        self.report = report
        self.label = label

    def generated(self, seed, commands):
        self.pair.reset()
        draw = generator.Generator(seed)
        batch_random = random.Random(seed)
        history = []
        while len(history) < commands and not self.report.stop():
            batch = []
            size = min(batch_random.randint(1, BATCH_MAX), commands - len(history))
            while len(batch) < size:
                batch += draw.next()
            first = len(history)
            history += batch
            if not self._same_replies(batch, first, history, seed):
                self.pair.reset()
        self.report.commands += len(history)

    def _same_replies(self, batch, first, history, seed):
        ours, theirs = self.pair.exchange(batch)
        for offset, args in enumerate(batch):
            our_reply = ours[offset] if offset < len(ours) else servers.NO_REPLY
            their_reply = theirs[offset] if offset < len(theirs) else servers.NO_REPLY
            if not normalise.equivalent(args, our_reply, their_reply):
                index = first + offset
                where = f"{self.label}, seed {seed}, command {index}"
                context = self._context(history[:index], args)
                self.report.difference(where, args, our_reply, their_reply, context)
                return False
        return True

    @staticmethod
    def _context(earlier, args):
        """The last commands that named one of the same keys."""
        keys = set(args[1:]) & set(generator.KEYS)
        related = [command for command in earlier[-5000:] if keys & set(command[1:])]
        return related[-CONTEXT_COMMANDS:]

    def raw(self, seed, connections):
        self.pair.reset()
        draw = generator.RawGenerator(seed)
        for index in range(connections):
            if self.report.stop():
                return
            payload = draw.next()
            ours, theirs = self.pair.exchange_raw(payload)
            self.report.commands += 1
            if ours != theirs:
                where = f"{self.label}, raw bytes, seed {seed}, connection {index}"
                self.report.difference(where, [b"raw", payload], ours, theirs)
                self.pair.reset()

    def case(self, case):
        self.pair.reset()
        for kind, content, line in case.steps:
            if self.report.stop():
                return
            self.report.commands += 1
            if kind == "reconnect":
                self.pair.connect()
                continue
            if kind == "raw":
                ours, theirs = self.pair.exchange_raw(content)
                same = ours == theirs
                content = [b"raw", content]
            else:
                (ours,), (theirs,) = self.pair.exchange([content])
                same = normalise.equivalent(content, ours, theirs)
            if not same:
                where = f"{self.label}, cases/{case.name}.txt:{line}"
                self.report.difference(where, content, ours, theirs)
            if servers.CLOSED in (ours, theirs):
                self.pair.connect()


def parse_arguments():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--larder", default=os.path.join(root, "build", "larder"))
    parser.add_argument("--larder-args", default="", help="further flags, as one string")
    parser.add_argument("--oracle", default="redis-server")
    parser.add_argument("--map", help="larder's --map; plain implies --threads 1")
    parser.add_argument("--seed", type=int, help="of the generated part; drawn if not given")
    parser.add_argument("--commands", type=int, default=20_000, help="in each protocol version")
    parser.add_argument("--raw", type=int, default=300, help="connections with damaged requests")
    parser.add_argument("--resp", choices=["2", "3", "both"], default="both")
    parser.add_argument("--only", choices=["cases", "raw", "generated"])
    parser.add_argument("--keep-going", action="store_true", help="do not stop at a difference")
    return parser.parse_args()


class Runner:
    """Starts servers, runs the three parts."""

    def __init__(self, options):
        self.options = options
        self.report = Report(options.keep_going)
        self.larder_flags = shlex.split(options.larder_args)
        if options.map:
            self.larder_flags += ["--map", options.map]
        if options.map == "plain":
            self.larder_flags += ["--threads", "1"]

    def with_servers(self, flags, part, password=None):
        """Runs part(comparison) for each protocol version against servers of its own."""
        versions = [2, 3] if self.options.resp == "both" else [int(self.options.resp)]
        running = []
        try:
            running.append(servers.Server(self.options.larder, self.larder_flags + flags))
            running.append(servers.Server(self.options.oracle, flags))
            for version in versions:
                if self.report.stop():
                    break
                pair = servers.Pair(running, version, password)
                part(Comparison(pair, self.report, f"RESP{version}"))
                pair.close()
            if not running[0].alive():
                self.report.differences += 1
                print(f"--- larder ended on its own:\n{running[0].output()}")
        finally:
            for server in running:
                server.stop()

    def run(self, seed):
        only = self.options.only
        if only in (None, "cases"):
            for case in cases.load():
                if self.report.stop():
                    return
                self.with_servers(case.flags, lambda comparison: comparison.case(case), case.password)
        if only in (None, "raw") and not self.report.stop():
            self.with_servers([], lambda comparison: comparison.raw(seed, self.options.raw))
        if only in (None, "generated") and not self.report.stop():
            commands = self.options.commands
            self.with_servers([], lambda comparison: comparison.generated(seed, commands))


def main():
    options = parse_arguments()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    start = time.monotonic()
    runner = Runner(options)
    runner.run(seed)
    print(f"{time.monotonic() - start:.1f} s")
    print(runner.report.summary())
    return 0 if runner.report.differences == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
