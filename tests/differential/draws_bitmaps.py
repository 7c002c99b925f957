"""Draws commands on bitmaps. A mixin of generator.Generator."""

from arguments import BIT_OFFSETS, FIELD_TYPES, NUMBER_TEXTS, integer


class BitmapDraws:
    def _bit_offset(self):
        if self._chance(0.04):
            return integer(self.random.choice(BIT_OFFSETS[3:]))
        if self._chance(0.05):
            return self.random.choice(NUMBER_TEXTS)
        return integer(self.random.randrange(self.random.choice([64, 64, 500, 8 * 5000])))

    def set_bit(self):
        bit = self._number() if self._chance(0.1) else self.random.choice([b"0", b"1", b"1"])
        if self._chance(0.002):  # a string of 512 MB, not for long
            key = self._key()
            far = integer(self.random.choice(BIT_OFFSETS[:3]))
            return [[b"SETBIT", key, far, bit], [b"GETBIT", key, far], [b"STRLEN", key],
                    [b"SETBIT", key, far, b"1"], [b"DEL", key]]  # fmt: skip
        return [[b"SETBIT", self._key(), self._bit_offset(), bit]]

    def get_bit(self):
        offset = integer(self.random.choice(BIT_OFFSETS)) if self._chance(0.1) else self._bit_offset()
        return [[b"GETBIT", self._key(), offset]]

    def _bit_range(self, ends):
        numbers = [self._number() for _ in range(ends)]
        if ends and self._chance(0.3):
            numbers[0] = integer(self.random.randint(-300, 300))
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
        if self._chance(0.02):  # the product wraps, to something small where it is lucky
            high = self.random.randint(-8, 8) << self.random.randint(58, 63)
            return [kind, b"#" + integer(high + self.random.randint(0, 20))]
        if self._chance(0.3):
            offset = b"#" + offset
            if len(offset) > 3 and self._chance(0.9):
                offset = offset[:3]
        return [kind, offset]

    def _field_number(self):
        if self._chance(0.3):
            return integer(self.random.choice([-1, 1]) * 2 ** self.random.randrange(63) + self.random.randint(-1, 1))
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
