"""What the arguments of drawn commands are made of: keys, values, numbers good and bad."""

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


def integer(number):
    return b"%d" % number


class Arguments:
    """Needs self.random and self.durations_drawn."""

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
            return integer(self.random.choice(EXTREMES))
        return integer(self.random.randint(-20, 20))

    def _value(self):
        kind = self.random.randrange(12)
        if kind < 4:
            return integer(self.random.randint(-100, 100_000))
        if kind == 4:
            return integer(self.random.choice(EXTREMES))
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
            [integer(self.random.choice(EXTREMES)), self.random.choice(NUMBER_TEXTS)]
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
            args[2] = self.random.choice([b"-1", b"0", b"x", integer(INT64_MAX), integer(2**35)])
        return args

    def _compares_a_duration(self, args):
        if args[0].upper() not in (b"EXPIRE", b"PEXPIRE") or len(args) < 4:
            return False
        compares = not {b"GT", b"LT"}.isdisjoint(arg.upper() for arg in args[3:])
        return compares and args[2].isdigit() and 0 < int(args[2]) < 2**62

    def _new_duration(self):
        self.durations_drawn += 1
        return integer(153_000_000 + 10_000_000 * (self.durations_drawn * 7919 % 9973))

    def _may_store_an_expired_key(self, args):
        return args[0].upper() == b"SET" and len(args) > 4

    def _expiry(self):
        choice = self.random.randrange(5)
        if choice == 4:
            return [self._word(b"KEEPTTL")]
        unit, near = [
            (b"EX", FAR_S), (b"PX", FAR_MS), (b"EXAT", FUTURE_S + PAST), (b"PXAT", FUTURE_MS + PAST)
        ][choice]  # fmt: skip
        number = self._extreme() if self._chance(0.15) else integer(self.random.choice(near))
        return [self._word(unit), number]

    def _conditions(self):
        if self._chance(0.5):
            return []
        words = [b"NX", b"XX", b"GT", b"LT"]
        return [self._word(word) for word in self.random.sample(words, self.random.choice([1, 1, 1, 2, 3]))]

    def _db(self):
        if self._chance(0.1):
            return self._extreme()
        return self.random.choice([b"0", b"0", b"1", b"2", b"15", b"16"])
