"""Draws command sequences. The same seed draws the same sequence, whatever the servers answer.

No reply may depend on when exactly it was given. So every deadline is far away or long past; a key
that was stored with a past deadline is read at once (Redis counts such a key until someone asks); and
a duration that is compared with a deadline (GT, LT) is none that was used before, as the same one
would give a later deadline or, within one millisecond, the same."""

import random

from arguments import Arguments
from draws_bitmaps import BitmapDraws
from draws_keys import KeyDraws
from draws_server import ServerDraws
from draws_strings import StringDraws


class Generator(Arguments, StringDraws, BitmapDraws, KeyDraws, ServerDraws):
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.durations_drawn = 0
        self.draws = [
            (method, mutable) for method, weight, mutable in self._mix() for _ in range(weight)
        ]

    def next(self):
        """The next command, or the next few that belong together: a list of lists of bytes."""
        method, mutable = self.random.choice(self.draws)
        return self._drawn(method, mutable)

    def _drawn(self, method, mutable):
        commands = method()
        if mutable and self._chance(0.06):
            commands[0] = self._mutated(commands[0])
        if self._compares_a_duration(commands[0]):
            commands[0][2] = self._new_duration()
        if self._chance(0.2):
            commands[0][0] = self._any_case(commands[0][0])
        if self._may_store_an_expired_key(commands[0]):
            commands.append([b"GET", commands[0][1]])
        return commands

    def _mix(self):
        """(method, weight, whether its arguments may be mutated)"""
        return [
            (self.get, 12, True), (self.set, 12, True), (self.set_with_options, 14, True),
            (self.delete, 5, True), (self.exists, 3, True), (self.key_only, 12, True),
            (self.add, 12, True), (self.append, 5, True), (self.set_range, 4, True),
            (self.get_range, 5, True), (self.get_ex, 6, True), (self.multi_set, 5, True),
            (self.multi_get, 4, True), (self.expire, 10, True), (self.expire_at, 6, True),
            (self.rename, 6, True), (self.scan, 4, True), (self.keys, 3, True),
            (self.add_float, 4, True), (self.set_at_once, 5, True), (self.lcs, 4, True),
            (self.set_bit, 6, True), (self.get_bit, 3, True), (self.bit_count, 4, True),
            (self.bit_position, 5, True), (self.bit_operation, 4, True), (self.bit_field, 8, False),
            (self.no_arguments, 4, True), (self.select, 3, True), (self.flush, 1, True),
            (self.swap_db, 1, True), (self.echo, 2, True), (self.unknown, 1, True),
            (self.copy, 5, True), (self.move, 3, True), (self.dump, 5, True), (self.restore, 8, True),
            (self.object, 6, True), (self.touch, 2, True), (self.wait, 1, False),
            (self.introspection, 5, False),
            (self.client, 3, False), (self.command, 4, False), (self.config, 2, False),
            (self.subcommands, 1, False), (self.connection, 1, False),
            (self.transaction, 4, False),
        ]  # fmt: skip

    def transaction(self):
        """WATCH, sometimes a change, MULTI, some commands, and one of the possible ends."""
        inside = [
            self.get, self.set, self.set_with_options, self.delete, self.exists, self.add, self.append,
            self.set_range, self.get_range, self.multi_set, self.multi_get, self.rename, self.select,
            self.swap_db, self.expire, self.add_float, self.set_at_once, self.set_bit, self.bit_count,
            self.bit_operation, self.copy, self.move, self.touch,
        ]  # fmt: skip
        commands = []
        if self._chance(0.4):
            commands.append([b"WATCH", *self._several_keys()])
        if self._chance(0.2):
            commands += self._drawn(self.random.choice([self.set, self.delete, self.flush]), False)
        if self._chance(0.1):
            commands.append([b"UNWATCH"])
        if self._chance(0.95):
            commands.append([b"MULTI"])
        for _ in range(self.random.randint(0, 6)):
            commands += self._drawn(self.random.choice(inside), True)
        if self._chance(0.1):
            commands.append(
                self.random.choice([[b"MULTI"], [b"WATCH", b"k1"], [b"FLUSHDB"], [b"NOSUCH"], [b"GET"]])
            )
        ends = [[b"EXEC"]] * 12 + [[b"DISCARD"], [b"EXEC", b"now"], [b"RESET", b"now"]]
        return [*commands, self.random.choice(ends), [b"DISCARD"]]
