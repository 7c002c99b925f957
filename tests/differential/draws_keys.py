"""Draws commands on keys, whatever their value. A mixin of generator.Generator."""

import payloads
from arguments import (
    EXTREMES, FAR_MS, FAR_S, FUTURE_MS, FUTURE_S, INT64_MAX, INT64_MIN, KEYS, NUMBER_TEXTS, PAST, PATTERNS,
    integer,
)  # fmt: skip


class KeyDraws:
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

    def expire(self):
        name, far = self.random.choice([(b"EXPIRE", FAR_S), (b"PEXPIRE", FAR_MS)])
        number = integer(self.random.choice(far + [-100]))
        if self._chance(0.15):
            number = self._extreme()
        return [[name, self._key(), number] + self._conditions()]

    def expire_at(self):
        name, far = self.random.choice([(b"EXPIREAT", FUTURE_S), (b"PEXPIREAT", FUTURE_MS)])
        number = integer(self.random.choice(far * 2 + PAST))
        if self._chance(0.15):
            number = self._extreme()
        return [[name, self._key(), number] + self._conditions()]

    def rename(self):
        return [[self.random.choice([b"RENAME", b"RENAMENX"]), self._key(), self._key()]]

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
            ttl = integer(self.random.choice(FAR_MS))
        elif self._chance(0.3):
            options.append([self._word(b"ABSTTL")])
            ttl = integer(self.random.choice(FUTURE_MS + PAST + [0]))
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
            [b"x", b"0"], [b"1", b"x"], [b"0"], [b"0", b"0", b"0"], [b"-5", integer(INT64_MIN)],
            [b"0", integer(INT64_MAX)], [integer(2**63), b"0"], [b"1", integer(2**63)],
        ])]  # fmt: skip

    def scan(self):
        cursor = b"0"
        if self._chance(0.2):
            cursor = self.random.choice(
                NUMBER_TEXTS + [integer(number) for number in EXTREMES] + [b"18446744073709551615"]
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
