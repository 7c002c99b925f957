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
import pathlib
import random
import shlex
import sys
import time

import cases
import generator
import normalise
import raw_generator
import servers
import shrink

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import server_process

BATCH_MAX = 60  # commands in one write
CONTEXT_COMMANDS = 30  # shown before a difference
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

    def difference(self, where, args, ours, theirs):
        """Returns True if it was printed, so that its history is worth looking for."""
        self.differences += 1
        name = args[0].upper()[:40] if args else b""
        self.by_command[name] += 1
        if self.by_command[name] > SAME_COMMAND_SHOWN_MAX:
            return False
        print(f"--- difference: {where}")
        print(f"    command: {shown_command(args)}")
        print(f"    larder:  {shown(ours)}")
        print(f"    oracle:  {shown(theirs)}", flush=True)
        return True

    @staticmethod
    def history(commands):
        """What leads to the difference just printed."""
        if commands is None:
            print("    not seen again when the same commands ran once more")
            return
        print(f"    the shortest way there, from empty servers ({len(commands)} commands):")
        for args in commands[-CONTEXT_COMMANDS:]:
            print(f"        {shown_command(args)}", flush=True)

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
        sent = 0
        history = []  # since both servers were last emptied
        while sent < commands and not self.report.stop():
            batch = []
            size = min(batch_random.randint(1, BATCH_MAX), commands - sent)
            while len(batch) < size:
                batch += draw.next()
            if not self._same_replies(batch, history, f"seed {seed}, near command {sent}"):
                self.pair.reset()
                history = []
            sent += len(batch)
        self.report.commands += sent

    def _same_replies(self, batch, history, where):
        """Runs a batch, adds it to the history; at the first difference, reports it and stops."""
        ours, theirs = self.pair.exchange(batch)
        for index, args in enumerate(batch):
            history.append(args)
            our_reply = ours[index] if index < len(ours) else servers.NO_REPLY
            their_reply = theirs[index] if index < len(theirs) else servers.NO_REPLY
            if not normalise.equivalent(args, our_reply, their_reply):
                if self.report.difference(f"{self.label}, {where}", args, our_reply, their_reply):
                    self.report.history(shrink.shortest(self.pair, history))
                return False
        return True

    def raw(self, seed, connections):
        self.pair.reset()
        draw = raw_generator.RawGenerator(seed)
        for index in range(connections):
            if self.report.stop():
                return
            payload = draw.next()
            ours, theirs = self.pair.exchange_raw(payload)
            self.report.commands += 1
            if not normalise.equivalent_raw(payload, ours, theirs):
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
                same = normalise.equivalent_raw(content, ours, theirs)
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
    parser.add_argument(
        "--larder",
        default=os.environ.get("LARDER_BINARY", os.path.join(root, "build", "larder")),
        help="default: $LARDER_BINARY, else build/larder",
    )
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
            running.append(server_process.Server(self.options.larder, self.larder_flags + flags))
            running.append(server_process.Server(self.options.oracle, flags))
            for version in versions:
                if self.report.stop():
                    break
                self._compare(running, version, password, part)
            if not running[0].alive():
                self.report.differences += 1
                print(f"--- larder ended on its own:\n{running[0].output()}")
        finally:
            for server in running:
                server.stop()

    def _compare(self, running, version, password, part):
        try:
            pair = servers.Pair(running, version, password)
            part(Comparison(pair, self.report, f"RESP{version}"))
            pair.close()
        except OSError:
            if running[0].alive():  # else with_servers reports it
                raise

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
