"""Draws commands on strings. A mixin of generator.Generator."""

from arguments import FAR_MS, FAR_OFFSETS, FAR_S, FLOAT_TEXTS, integer


class StringDraws:
    def get(self):
        return [[self.random.choice([b"GET", b"GET", b"GET", b"GETDEL"]), self._key()]]

    def set(self):
        return [[b"SET", self._key(), self._value()]]

    def set_with_options(self):
        options = [[self._word(word)] for word in (b"NX", b"XX", b"GET") if self._chance(0.3)]
        if self._chance(0.7):
            options.append(self._expiry())
        if self._chance(0.1):
            options.append(self._expiry())
        self.random.shuffle(options)
        return [[b"SET", self._key(), self._value()] + sum(options, [])]

    def add(self):
        name = self.random.choice([b"INCR", b"DECR", b"INCRBY", b"DECRBY"])
        return [[name, self._key()] + ([self._number()] if name.endswith(b"BY") else [])]

    def append(self):
        return [[b"APPEND", self._key(), self._value()]]

    def set_range(self):
        offset = self.random.randint(-1, 80)
        if self._chance(0.1):
            offset = self.random.choice(FAR_OFFSETS)
        return [[b"SETRANGE", self._key(), integer(offset), self._value()]]

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
        number = integer(self.random.choice(FAR_MS if name == b"PSETEX" else FAR_S))
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
