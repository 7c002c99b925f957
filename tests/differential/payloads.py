"""Payloads for RESTORE: whole ones, and ones with something wrong with them."""

import struct


def _crc_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95AC9329AC4BC9B5 if crc & 1 else 0)
        table.append(crc)
    return table


CRC_TABLE = _crc_table()


def sealed(body, version=10):
    """`body` (type and value) with the footer that DUMP gives it."""
    body += struct.pack("<H", version)
    crc = 0
    for byte in body:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return body + struct.pack("<Q", crc)


STRINGS = [
    b"\x00\x00", b"\x00\x05hello", b"\x00\x40\x05hello", b"\x00\x80\x00\x00\x00\x05hello",
    b"\x00\x81" + bytes(7) + b"\x05hello", b"\x00\xc0\x0c", b"\x00\xc0\x80", b"\x00\xc1\x80\x00",
    b"\x00\xc1\xff\x7f", b"\x00\xc2\x00\x80\x00\x00", b"\x00\xc2\x00\x00\x00\x80",
    b"\x00\xc3\x06\x15\x01aa\xe0\x0a\x00", b"\x00\xc3\x09\x40\x40\x01aa\xe0\x33\x00\x01ab",
    b"\x00\x0500012", b"\x00\x0b12345678901", b"\x00\x05hello, and more", b"\x00\x41\x00" + bytes(256),
]  # fmt: skip
MALFORMED = [
    b"", b"\x00", b"\x00\x7f\xff", b"\x00\x20abc", b"\x00\x0aabc", b"\x00\x40", b"\x00\x80\x00",
    b"\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff", b"\x00\x82abc", b"\x00\xbfabc", b"\x00\xc4abc",
    b"\x00\xff", b"\x00\xc0", b"\x00\xc2\x01", b"\x00\xc3", b"\x00\xc3\x06\x16\x01aa\xe0\x0a\x00",
    b"\x00\xc3\x06\x14\x01aa\xe0\x0a\x00", b"\x00\xc3\x05\x15\x01aa\xe0\x0a\x00",
    b"\x00\xc3\x03\x08\x20\x00\x00", b"\x00\xc3\x7f\xff\x05aaa", b"\x00\xc3\x01\x80\x7f\xff\xff\xffa",
    b"\x08abc", b"\x16abc", b"\xffabc", b"\xf5abc",
]  # fmt: skip

WHOLE = [sealed(body) for body in STRINGS] + [sealed(STRINGS[1], version) for version in (0, 1, 9)]
BROKEN = (
    [sealed(body) for body in MALFORMED]
    + [sealed(STRINGS[1], version) for version in (11, 0xFFFF)]
    + [WHOLE[1][:-1], WHOLE[1] + b"x", b"x" + WHOLE[1], WHOLE[1][-10:], b"", b"x", b"x" * 9, b"x" * 10]
    + [WHOLE[1][:-8] + bytes(8), WHOLE[1][:2] + b"j" + WHOLE[1][3:]]
)
