"""Draws commands on connections, databases and the server. A mixin of generator.Generator."""

from arguments import NUMBER_TEXTS, UNKNOWN_COMMANDS, integer


class ServerDraws:
    def introspection(self):
        group = self.random.choice([
            self._slow_log, self._latency, self._memory, self._debug, self._identity
        ])  # fmt: skip
        return [group()]

    def _slow_log(self):
        return [b"SLOWLOG"] + self.random.choice([
            [b"GET"], [b"GET", b"-1"], [b"GET", b"0"], [b"GET", self._number()], [b"GET", b"1", b"2"],
            [b"get", b"-2"], [b"LEN"], [b"LEN", b"x"], [b"RESET"], [b"RESET", b"x"], [b"NOSUCH"],
        ])  # fmt: skip

    def _latency(self):
        return [b"LATENCY"] + self.random.choice([
            [b"LATEST"], [b"LATEST", b"x"], [b"HISTORY", b"command"], [b"HISTORY"], [b"RESET"],
            [b"RESET", b"command", b"nosuch"], [b"GRAPH", b"nosuch"], [b"GRAPH", b"command"], [b"GRAPH"],
            [b"DOCTOR"], [b"DOCTOR", b"x"], [b"HISTOGRAM", b"nosuch"], [b"HISTOGRAM", b"get"],
            [b"HISTOGRAM", b"GET", b"set", b"nosuch"], [b"HISTOGRAM", b"config"], [b"HISTOGRAM"],
            [b"HISTOGRAM", b"client|id", b"client|nosuch"], [b"NOSUCH"], [b"HISTORY", self._value()],
        ])  # fmt: skip

    def _memory(self):
        return [b"MEMORY"] + self.random.choice([
            [b"USAGE", self._key()], [b"USAGE", self._key(), b"SAMPLES", self._number()], [b"USAGE"],
            [b"USAGE", self._key(), b"SAMPLES"], [b"USAGE", self._key(), b"NOSUCH", b"1"],
            [b"USAGE", self._key(), b"samples", b"0", b"SAMPLES", self._number()], [b"STATS"],
            [b"STATS", b"x"], [b"DOCTOR"], [b"DOCTOR", b"x"], [b"PURGE"], [b"PURGE", b"x"],
            [b"MALLOC-STATS"], [b"MALLOC-STATS", b"x"], [b"NOSUCH"],
        ])  # fmt: skip

    def _debug(self):
        types = [b"string", b"integer", b"double", b"bignum", b"null", b"array", b"set", b"map", b"TRUE",
                 b"attrib", b"push", b"verbatim", b"false", b"nosuch", b""]  # fmt: skip
        # After a push comes a reply of its own: two for one command.
        if self.random.randrange(3) == 0:
            kind = self.random.choice(types)
            return [b"DEBUG", b"PROTOCOL", b"map" if kind in (b"push", b"attrib") else kind]
        return [b"DEBUG"] + self.random.choice([
            [b"PROTOCOL"], [b"ERROR", b"ERR text"], [b"ERROR", b"CODE a\r\nb"], [b"ERROR", self._value()],
            [b"ERROR"], [b"LOG", b"text"], [b"LOG"], [b"OBJECT", self._key()], [b"OBJECT"], [b"JMAP"],
            [b"OBJECT", b"a", b"b"], [b"STRINGMATCH-LEN", b"10", b"*"], [b"SLEEP", b"x"],
        ])  # fmt: skip

    def _identity(self):
        return self.random.choice([
            [b"TIME"], [b"TIME", b"x"], [b"ROLE"], [b"ROLE", b"x"], [b"LASTSAVE"], [b"LASTSAVE", b"x"],
            [b"LOLWUT"], [b"LOLWUT", b"x"], [b"LOLWUT", b"VERSION"], [b"LOLWUT", b"VERSION", b"x"],
            [b"LOLWUT", b"version", b"5"], [b"LOLWUT", b"VERSION", b"5", b"1", b"1", b"x"],
            [b"LOLWUT", b"VERSION", b"6", b"x"], [b"LOLWUT", b"VERSION", b"7", b"x"],
        ])  # fmt: skip

    def no_arguments(self):
        return [[self.random.choice([b"DBSIZE", b"RANDOMKEY", b"PING", b"DBSIZE"])]]

    def select(self):
        index = self.random.choice([0, 0, 0, 1, 2, 15, 16])
        number = self._extreme() if self._chance(0.1) else integer(index)
        return [[b"SELECT", number]]

    def flush(self):
        name = self.random.choice([b"FLUSHDB", b"FLUSHDB", b"FLUSHALL"])
        return [[name] + self.random.choice([[], [], [b"ASYNC"], [b"sync"], [b"NOW"]])]

    def swap_db(self):
        return [[b"SWAPDB", self.random.choice([b"0", b"1", b"2"]), self.random.choice([b"0", b"1", b"16"])]]

    def echo(self):
        return [[self.random.choice([b"ECHO", b"PING"]), self._value()]]

    def unknown(self):
        args = [self._value() for _ in range(self.random.randint(0, 4))]
        return [[self.random.choice(UNKNOWN_COMMANDS)] + args]

    def client(self):
        return [[b"CLIENT"] + self.random.choice([
            [b"ID"], [b"INFO"], [b"GETNAME"], [b"SETNAME", b"name%d" % self.random.randrange(9)],
            [b"SETNAME", b""], [b"SETNAME", b"two words"], [b"SETNAME", b"n\xc3\xa4me"], [b"SETNAME"],
            [b"LIST", b"TYPE", b"normal"], [b"LIST", b"TYPE", b"nosuch"], [b"LIST", b"ID", b"x"],
            [b"LIST", b"ID", b"99999999"], [b"LIST", b"nosuch"], [b"KILL", b"1.2.3.4:5"],
            [b"KILL", b"ID", b"99999999"], [b"KILL", b"ID", self._extreme()], [b"KILL", b"TYPE", b"x"],
            [b"KILL", b"USER", b"nosuch"], [b"KILL", b"SKIPME", b"maybe"], [b"KILL"], [b"NOSUCH"],
            [b"KILL", b"NOSUCH", b"1"], [b"REPLY", b"ON"], [b"REPLY", b"NOSUCH"], [b"REPLY"],
            [b"KILL", b"ADDR", b"1.2.3.4:5", b"SKIPME", b"yes"], [b"KILL", b"LADDR", b"1.2.3.4:5"],
            [b"KILL", b"TYPE", b"normal", b"TYPE", b"pubsub"], [b"GETREDIR"], [b"TRACKINGINFO"],
            [b"TRACKING", b"off"], [b"TRACKING", b"nosuch"], [b"CACHING", b"yes"], [b"CACHING"],
            [b"NO-EVICT", b"on"], [b"NO-EVICT", b"off"], [b"NO-EVICT", b"x"], [b"UNPAUSE"],
            [b"PAUSE", b"1"], [b"PAUSE", b"2", b"WRITE"], [b"PAUSE", b"1", b"x"], [b"PAUSE", b"0"],
            [b"PAUSE", self.random.choice(NUMBER_TEXTS)], [b"UNBLOCK", self._extreme()], [b"UNBLOCK", b"99999999", b"error"],
            [b"UNBLOCK", self._number()], [b"UNBLOCK", b"1", b"x"], [b"UNPAUSE", b"x"],
        ])]  # fmt: skip

    def command(self):
        subject = self.random.choice(self.draws[: len(self.draws) * 3 // 4])[0]()[0]
        subcommand = self.random.choice([b"GETKEYS", b"GETKEYS", b"GETKEYSANDFLAGS", b"INFO"])
        if subcommand == b"INFO":
            return [[b"COMMAND", b"INFO", subject[0], b"nosuch"]]
        if self._chance(0.1):
            subject = self._mutated(subject)
        return [[b"COMMAND", subcommand] + subject]

    def config(self):
        return [[b"CONFIG"] + self.random.choice([
            [b"GET", b"maxmemory"], [b"GET", b"nosuch"], [b"GET", b"maxmemory", b"timeout"], [b"GET"],
            [b"SET", b"nosuch", b"1"], [b"SET", b"timeout"], [b"SET"], [b"SET", b"timeout", b"x"],
            [b"SET", b"timeout", b"0"], [b"SET", b"timeout", b"0", b"timeout", b"0"], [b"RESETSTAT"],
            [b"SET", b"maxmemory-samples", b"0"], [b"SET", b"lfu-log-factor", b"-1"],
            [b"SET", b"lfu-decay-time", b"1"], [b"SET", b"maxmemory-policy", b"nosuch"],
            [b"SET", b"maxmemory-policy", b"allkeys-lru"], [b"SET", b"maxmemory-policy", b"noeviction"],
            [b"SET", b"maxmemory", b"0"], [b"SET", b"maxmemory", b"1x"],
            [b"SET", b"port", b"99999"], [b"SET", b"databases", b"3"], [b"NOSUCH"], [b"RESETSTAT", b"x"],
            [b"REWRITE"], [b"REWRITE", b"x"],
        ])]  # fmt: skip

    def subcommands(self):
        name = self.random.choice([b"CLIENT", b"COMMAND", b"CONFIG", b"DEBUG", b"OBJECT"])
        rest = self.random.choice([[], [b"HELP"], [b"help"], [b"nosuch"], [b"HELP", b"x"], [b""]])
        if name == b"COMMAND" and not rest:
            rest = [b"COUNT"]
        return [[name] + rest]

    def connection(self):
        return [self.random.choice([
            [b"AUTH", b"secret"], [b"AUTH", b"default", b"secret"], [b"AUTH", b"nosuch", b"secret"],
            [b"AUTH"], [b"AUTH", b"a", b"b", b"c"], [b"HELLO"], [b"HELLO", b"4"], [b"HELLO", b"x"],
            [b"HELLO", b"1"], [b"HELLO", b"NOSUCH"], [b"DEBUG", b"SLEEP", b"0"], [b"DEBUG", b"SLEEP"],
            [b"DEBUG", b"SET-ACTIVE-EXPIRE", b"1"], [b"INFO", b"server"], [b"INFO", b"nosuch"],
            [b"COMMAND", b"COUNT"], [b"COMMAND", b"LIST", b"FILTERBY", b"PATTERN", b"ge*"],
            [b"COMMAND", b"LIST", b"FILTERBY", b"NOSUCH", b"x"], [b"COMMAND", b"DOCS", b"get"],
        ])]  # fmt: skip
