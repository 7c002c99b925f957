"""Draws command sequences. The same seed draws the same sequence, whatever the servers answer.

No reply may depend on when exactly it was given. So every deadline is far away or long past; a key
that was stored with a past deadline is read at once (Redis counts such a key until someone asks); and
a duration that is compared with a deadline (GT, LT) is none that was used before, as the same one
would give a later deadline or, within one millisecond, the same."""

import random

import payloads

KEYS = [b"k%d" % i for i in range(9)] + [b"", b"a*[b]?", b"k\r\n\x00\xff"]
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
EXTREMES = [0, -1, INT64_MIN, INT64_MAX, 2**31, 2**31 - 1, -(2**31), 2**32, -(2**32), 2**63, -(2**63) - 1]
NUMBER_TEXTS = [
    b"", b" ", b"+1", b" 1", b"1 ", b"01", b"-0", b"00", b"1.0", b"1e3", b"0x10", b"abc", b"1\x00",
    b"--1", b"-", b"9" * 30, b"nan", b"inf", b"-inf", b"3.0e3",
]
FAR_S = [100_000, 2_000_000, 2**31, 2**32]
FAR_MS = [100_000_000, 2**40]
FUTURE_S = [4_000_000_000, 4_102_444_800, 2**33]
FUTURE_MS = [second * 1000 + 123 for second in FUTURE_S]
PAST = [1, 1000, 1_500_000_000]
FLOAT_TEXTS = [
    b"1e308", b"-1e308", b"1e4932", b"1.1e4932", b"-1e4932", b"1e4933", b"1e-320", b"1e-5000", b"0x1p3", b"0x.8p-1",
    b"inf", b"-inf", b"+infinity", b"nan", b"-nan(1)", b"1e", b"1e5", b".5", b"5.", b".", b"+3.25", b"-0.0",
    b"0.1", b"0.2", b"3.0e3", b"1_0", b"1,5", b"17179869184.000000001", b"9" * 5119, b"9" * 5120,
]
BIT_OFFSETS = [2**32 - 1, 2**32, 2**32 - 8, INT64_MAX, INT64_MIN, 2**35, 2**63, -1]
FIELD_TYPES = [
    b"u1", b"i1", b"u7", b"i8", b"u8", b"i13", b"u16", b"u32", b"i63", b"u63", b"i64", b"u64", b"i65", b"i0", b"u0",
    b"U8", b"x8", b"u", b"", b"u8\x00x", b"u 8", b"u+8", b"i-1", b"u08",
]  # fmt: skip
FAR_OFFSETS = [2**29, 2**31, 2**32, INT64_MAX]  # all beyond proto-max-bulk-len
PATTERNS = [
    b"*", b"k*", b"k?", b"k[0-4]", b"k[^0-4]", b"k[!0]", b"*1", b"", b"?", b"[", b"[]", b"k[", b"k[0-",
    b"k[4-0]", b"\\", b"a\\*\\[b\\]\\?", b"a*", b"**k**", b"*\xff", b"k[\\0]", b"K*", b"k[0",
]
UNKNOWN_COMMANDS = [b"NOSUCH", b"", b"getx", b"G\r\nET", b"foo" * 60, b"\x00", b"se t"]


def _integer(number):
    return b"%d" % number


class Generator:
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
            self.swap_db, self.expire,
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
        ends = [[b"EXEC"]] * 12 + [[b"DISCARD"], [b"EXEC", b"now"], [b"DISCARD", b"now"]]
        return [*commands, self.random.choice(ends), [b"DISCARD"]]

    # Building blocks.

    def _chance(self, probability):
        return self.random.random() < probability

    def _key(self):
        return self.random.choice(KEYS)

    def _several_keys(self):
        return [self._key() for _ in range(self.random.randint(1, 4))]

    def _any_case(self, word):
        return bytes(
            byte ^ 0x20 if chr(byte).isalpha() and byte < 128 and self._chance(0.5) else byte
            for byte in word
        )

    def _word(self, word):
        return self._any_case(word) if self._chance(0.2) else word

    def _number(self):
        if self._chance(0.15):
            return self.random.choice(NUMBER_TEXTS)
        if self._chance(0.25):
            return _integer(self.random.choice(EXTREMES))
        return _integer(self.random.randint(-20, 20))

    def _value(self):
        kind = self.random.randrange(12)
        if kind < 4:
            return _integer(self.random.randint(-100, 100_000))
        if kind == 4:
            return _integer(self.random.choice(EXTREMES))
        if kind == 5:
            return self.random.choice(NUMBER_TEXTS)
        if kind == 6:
            return b"%.3f" % self.random.uniform(-1e6, 1e6)
        if kind == 7:
            return self.random.randbytes(self.random.randint(0, 40))
        if kind == 8:
            return b"x" * self.random.choice([43, 44, 45, 63, 64, 65, 127, 128, 255, 256, 1000])
        if kind == 9 and self._chance(0.3):
            return self.random.choice([b"L", b"\r\n", b"\x00"]) * self.random.choice([4095, 5000, 20000])
        return b"value%d" % self.random.randrange(1000)

    def _extreme(self):
        return self.random.choice(
            [_integer(self.random.choice(EXTREMES)), self.random.choice(NUMBER_TEXTS)]
        )

    def _mutated(self, args):
        """One argument more, less, or replaced by something it was not made for. Never a small
        positive number, as that might be taken for a near deadline."""
        args = list(args)
        place = self.random.randrange(len(args))
        kind = self.random.randrange(4)
        if kind == 0 and len(args) > 1:
            del args[max(place, 1)]
        elif kind == 1:
            args.append(self._extreme())
        elif kind == 2:
            args.append(self.random.choice([b"NX", b"XX", b"GET", b"EX", b"KEEPTTL", b"ASYNC", b"LT"]))
        elif len(args) > 1:
            args[max(place, 1)] = self._extreme()
        if args[0].upper() in (b"SETRANGE", b"SETBIT") and len(args) > 2:
            args[2] = self.random.choice([b"-1", b"0", b"x", _integer(INT64_MAX), _integer(2**35)])
        return args

    def _compares_a_duration(self, args):
        if args[0].upper() not in (b"EXPIRE", b"PEXPIRE") or len(args) < 4:
            return False
        compares = not {b"GT", b"LT"}.isdisjoint(arg.upper() for arg in args[3:])
        return compares and args[2].isdigit() and 0 < int(args[2]) < 2**62

    def _new_duration(self):
        self.durations_drawn += 1
        return _integer(153_000_000 + 10_000_000 * (self.durations_drawn * 7919 % 9973))

    def _may_store_an_expired_key(self, args):
        return args[0].upper() == b"SET" and len(args) > 4

    # Commands.

    def get(self):
        return [[self.random.choice([b"GET", b"GET", b"GET", b"GETDEL"]), self._key()]]

    def set(self):
        return [[b"SET", self._key(), self._value()]]

    def _expiry(self):
        choice = self.random.randrange(5)
        if choice == 4:
            return [self._word(b"KEEPTTL")]
        unit, near = [
            (b"EX", FAR_S), (b"PX", FAR_MS), (b"EXAT", FUTURE_S + PAST), (b"PXAT", FUTURE_MS + PAST)
        ][choice]  # fmt: skip
        number = self._extreme() if self._chance(0.15) else _integer(self.random.choice(near))
        return [self._word(unit), number]

    def set_with_options(self):
        options = [[self._word(word)] for word in (b"NX", b"XX", b"GET") if self._chance(0.3)]
        if self._chance(0.7):
            options.append(self._expiry())
        if self._chance(0.1):
            options.append(self._expiry())
        self.random.shuffle(options)
        return [[b"SET", self._key(), self._value()] + sum(options, [])]

    def object(self):
        about = [b"ENCODING", b"ENCODING", b"ENCODING", b"REFCOUNT", b"IDLETIME", b"FREQ"]
        return [[b"OBJECT", self._word(self.random.choice(about)), self._key()]]

    def touch(self):
        return [[b"TOUCH"] + self._several_keys()]

    def delete(self):
        return [[self.random.choice([b"DEL", b"UNLINK"])] + self._several_keys()]

    def exists(self):
        return [[b"EXISTS"] + self._several_keys()]

    def key_only(self):
        name = self.random.choice(
            [b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME", b"PERSIST", b"TYPE", b"STRLEN"]
        )
        return [[name, self._key()]]

    def add(self):
        name = self.random.choice([b"INCR", b"DECR", b"INCRBY", b"DECRBY"])
        return [[name, self._key()] + ([self._number()] if name.endswith(b"BY") else [])]

    def append(self):
        return [[b"APPEND", self._key(), self._value()]]

    def set_range(self):
        offset = self.random.randint(-1, 80)
        if self._chance(0.1):
            offset = self.random.choice(FAR_OFFSETS)
        return [[b"SETRANGE", self._key(), _integer(offset), self._value()]]

    def get_range(self):
        return [[self.random.choice([b"GETRANGE", b"GETRANGE", b"SUBSTR"]), self._key(), self._number(), self._number()]]

    def add_float(self):
        number = self.random.choice(FLOAT_TEXTS) if self._chance(0.3) else self._value()
        if self._chance(0.4):
            number = b"%.*f" % (self.random.randint(0, 18), self.random.uniform(-1000, 1000))
        return [[b"INCRBYFLOAT", self._key(), number]]

    def set_at_once(self):
        name = self.random.choice([b"SETNX", b"GETSET", b"SETEX", b"PSETEX"])
        if not name.endswith(b"EX"):
            return [[name, self._key(), self._value()]]
        number = _integer(self.random.choice(FAR_MS if name == b"PSETEX" else FAR_S))
        return [[name, self._key(), self._extreme() if self._chance(0.2) else number, self._value()]]

    def lcs(self):
        words = [b"IDX", b"LEN", b"WITHMATCHLEN", b"MINMATCHLEN"]
        options = []
        for word in self.random.sample(words, self.random.randint(0, 3)):
            options.append(self._word(word))
            if word == b"MINMATCHLEN" and not self._chance(0.05):
                options.append(self._number())
        commands = [[b"LCS", self._key(), self._key()] + options]
        if self._chance(0.3):
            alphabet = self.random.choice([b"ab", b"abcdef", b"\x00\xff"])
            texts = [bytes(self.random.choices(alphabet, k=self.random.randint(0, 150))) for _ in range(2)]
            commands.insert(0, [b"MSET", commands[0][1], texts[0], commands[0][2], texts[1]])
        return commands

    def _bit_offset(self):
        if self._chance(0.04):
            return _integer(self.random.choice(BIT_OFFSETS[3:]))
        if self._chance(0.05):
            return self.random.choice(NUMBER_TEXTS)
        return _integer(self.random.randrange(self.random.choice([64, 64, 500, 8 * 5000])))

    def set_bit(self):
        bit = self._number() if self._chance(0.1) else self.random.choice([b"0", b"1", b"1"])
        if self._chance(0.002):  # a string of 512 MB, not for long
            key = self._key()
            far = _integer(self.random.choice(BIT_OFFSETS[:3]))
            return [[b"SETBIT", key, far, bit], [b"GETBIT", key, far], [b"STRLEN", key],
                    [b"SETBIT", key, far, b"1"], [b"DEL", key]]  # fmt: skip
        return [[b"SETBIT", self._key(), self._bit_offset(), bit]]

    def get_bit(self):
        offset = _integer(self.random.choice(BIT_OFFSETS)) if self._chance(0.1) else self._bit_offset()
        return [[b"GETBIT", self._key(), offset]]

    def _bit_range(self, ends):
        numbers = [self._number() for _ in range(ends)]
        if ends and self._chance(0.3):
            numbers[0] = _integer(self.random.randint(-300, 300))
        unit = [self._word(self.random.choice([b"BIT", b"BIT", b"BYTE", b"BITS"]))]
        return numbers + (unit if self._chance(0.6) else [])

    def bit_count(self):
        return [[b"BITCOUNT", self._key()] + self._bit_range(self.random.choice([0, 1, 2, 2, 2, 2, 2, 3]))]

    def bit_position(self):
        bit = self._number() if self._chance(0.1) else self.random.choice([b"0", b"1"])
        ends = self.random.choice([0, 0, 1, 1, 2, 2, 2, 2, 3])
        bits = self._bit_range(ends) if ends != 1 or self._chance(0.1) else [self._number()]
        commands = [[b"BITPOS", self._key(), bit] + (bits if ends or self._chance(0.1) else [])]
        if self._chance(0.3):
            filling = self.random.choice([b"\x00", b"\xff"]) * self.random.randint(0, 30)
            commands.insert(0, [b"SET", commands[0][1], filling + self.random.choice([b"", b"\x01", b"\xfe"])])
        return commands

    def bit_operation(self):
        name = self._word(self.random.choice([b"AND", b"OR", b"XOR", b"NOT", b"NOT", b"NAND", b""]))
        sources = self._several_keys()
        if name.upper() == b"NOT" and not self._chance(0.2):
            sources = sources[:1]
        return [[b"BITOP", name, self._key()] + sources]

    def _field(self):
        kind = self.random.choice(FIELD_TYPES) if self._chance(0.2) else b"%c%d" % (
            self.random.choice(b"iu"), self.random.randint(1, 63))
        offset = self._bit_offset()
        # No product may wrap: larder refuses it, Redis goes on with what is left of it.
        if self._chance(0.3) and (len(offset) < 18 or offset == _integer(INT64_MAX)):
            offset = b"#" + offset
            if len(offset) > 3 and self._chance(0.9):
                offset = offset[:3]
        return [kind, offset]

    def _field_number(self):
        if self._chance(0.3):
            return _integer(self.random.choice([-1, 1]) * 2 ** self.random.randrange(63) + self.random.randint(-1, 1))
        return self._number()

    def bit_field(self):
        args = [self.random.choice([b"BITFIELD"] * 5 + [b"BITFIELD_RO"]), self._key()]
        only_get = args[0] == b"BITFIELD_RO" and not self._chance(0.1)
        for _ in range(self.random.randint(0, 5)):
            kind = 0 if only_get else self.random.randrange(5)
            if kind <= 1:
                args += [self._word(b"GET")] + self._field()
            elif kind == 2:
                args += [self._word(b"SET")] + self._field() + [self._field_number()]
            elif kind == 3:
                args += [self._word(b"INCRBY")] + self._field() + [self._field_number()]
            else:
                args += [b"OVERFLOW", self._word(self.random.choice([b"WRAP", b"SAT", b"SAT", b"FAIL", b"FAIL"]))]
        if self._chance(0.05):
            del args[-1]
        return [args]

    def get_ex(self):
        option = self.random.choice([[], [self._word(b"PERSIST")], self._expiry()])
        if self._chance(0.05):
            option = option + self._expiry()
        return [[b"GETEX", self._key()] + option]

    def multi_set(self):
        pairs = [part for key in self._several_keys() for part in (key, self._value())]
        return [[self.random.choice([b"MSET", b"MSET", b"MSETNX"])] + pairs]

    def multi_get(self):
        return [[b"MGET"] + self._several_keys()]

    def _conditions(self):
        if self._chance(0.5):
            return []
        words = [b"NX", b"XX", b"GT", b"LT"]
        return [self._word(word) for word in self.random.sample(words, self.random.choice([1, 1, 1, 2, 3]))]

    def expire(self):
        name, far = self.random.choice([(b"EXPIRE", FAR_S), (b"PEXPIRE", FAR_MS)])
        number = _integer(self.random.choice(far + [-100]))
        if self._chance(0.15):
            number = self._extreme()
        return [[name, self._key(), number] + self._conditions()]

    def expire_at(self):
        name, far = self.random.choice([(b"EXPIREAT", FUTURE_S), (b"PEXPIREAT", FUTURE_MS)])
        number = _integer(self.random.choice(far * 2 + PAST))
        if self._chance(0.15):
            number = self._extreme()
        return [[name, self._key(), number] + self._conditions()]

    def rename(self):
        return [[self.random.choice([b"RENAME", b"RENAMENX"]), self._key(), self._key()]]

    def _db(self):
        if self._chance(0.1):
            return self._extreme()
        return self.random.choice([b"0", b"0", b"1", b"2", b"15", b"16"])

    def copy(self):
        options = [[self._word(b"REPLACE")]] if self._chance(0.5) else []
        if self._chance(0.5):
            options.append([self._word(b"DB"), self._db()])
        if self._chance(0.05):
            options.append([self.random.choice([b"DB", b"NOSUCH", b"REPLACE"])])
        self.random.shuffle(options)
        return [[b"COPY", self._key(), self._key()] + sum(options, [])]

    def move(self):
        return [[b"MOVE", self._key(), self._db()]]

    def dump(self):
        return [[b"DUMP", self._key()]]

    def restore(self):
        options = [[self._word(b"REPLACE")]] if self._chance(0.6) else []
        ttl = b"0"
        if self._chance(0.3):
            ttl = _integer(self.random.choice(FAR_MS))
        elif self._chance(0.3):
            options.append([self._word(b"ABSTTL")])
            ttl = _integer(self.random.choice(FUTURE_MS + PAST + [0]))
        elif self._chance(0.1):
            ttl = self._extreme()
        if self._chance(0.15):
            options.append([self._word(b"IDLETIME"), self.random.choice([b"0", b"9", self._extreme()])])
        if self._chance(0.15):
            options.append([self._word(b"FREQ"), self.random.choice([b"0", b"255", self._extreme()])])
        self.random.shuffle(options)
        payload = self.random.choice(payloads.WHOLE if self._chance(0.7) else payloads.BROKEN)
        return [[b"RESTORE", self._key(), ttl, payload] + sum(options, [])]

    def wait(self):
        return [[b"WAIT"] + self.random.choice([
            [b"0", b"0"], [b"0", b"100"], [b"-1", b"0"], [b"1", b"1"], [b"2", b"3"], [b"1", b"-1"],
            [b"x", b"0"], [b"1", b"x"], [b"0"], [b"0", b"0", b"0"], [b"-5", _integer(INT64_MIN)],
            [b"0", _integer(INT64_MAX)], [_integer(2**63), b"0"], [b"1", _integer(2**63)],
        ])]  # fmt: skip

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

    def scan(self):
        cursor = b"0"
        if self._chance(0.2):
            cursor = self.random.choice(
                NUMBER_TEXTS + [_integer(number) for number in EXTREMES] + [b"18446744073709551615"]
            )
        options = [[self._word(b"COUNT"), b"100000"]]
        if self._chance(0.5):
            options.append([self._word(b"MATCH"), self.random.choice(PATTERNS)])
        if self._chance(0.3):
            kind = self.random.choice([b"string", b"STRING", b"hash", b"nosuch"])
            options.append([self._word(b"TYPE"), kind])
        if self._chance(0.1):
            options.append([b"COUNT", self.random.choice([b"0", b"-1", b"x", b"1.5"])])
        if self._chance(0.05):
            options.append([b"NOSUCH"])
        self.random.shuffle(options)
        return [[b"SCAN", cursor] + sum(options, [])]

    def keys(self):
        return [[b"KEYS", self.random.choice(PATTERNS)]]

    def no_arguments(self):
        return [[self.random.choice([b"DBSIZE", b"RANDOMKEY", b"PING", b"DBSIZE"])]]

    def select(self):
        index = self.random.choice([0, 0, 0, 1, 2, 15, 16])
        number = self._extreme() if self._chance(0.1) else _integer(index)
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
            length = _integer(len(arg))
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
