"""Which replies may differ between larder and the oracle, and how far.

Replies are equal when their bytes are. The rules below are asked only when they are not; a command
without a rule has no excuse. No rule excuses an error: neither its text nor its absence. (The one
exception is what Redis does not read at all, see equivalent_raw.)
"""

import re

import resp

TOLERANCE_S = 5  # both servers are asked within one batch, but on a busy machine not at one instant
CONTAINERS = (
    b"CLIENT", b"COMMAND", b"CONFIG", b"DEBUG", b"LATENCY", b"MEMORY", b"OBJECT", b"SLOWLOG",
)  # fmt: skip
OWN_NAMES = (b"larder",)  # what larder has on top: sections, fields, commands
# Of Redis 7.2.
LATER_COMMANDS = (b"client|setinfo", b"client|no-touch")


def equivalent(args, ours, theirs):
    """True if the raw replies `ours` and `theirs` to the command `args` say the same."""
    if ours == theirs:
        return True
    rule = _rule_for(args)
    if rule is None:
        return False
    try:
        ours, theirs = resp.parse(ours), resp.parse(theirs)
    except (resp.Malformed, ValueError, IndexError):
        return False
    if "-" in (ours[0], theirs[0]):
        return False
    return rule(args, ours, theirs)


CONNECTION_ID = re.compile(rb"(\$2\r\nid\r\n:)\d+(?=\r\n)")  # in the reply to HELLO


def equivalent_raw(payload, ours, theirs):
    """True if all that came back for the bytes `payload`, up to the close, says the same."""
    # The two servers have numbered different connections before.
    ours, theirs = (CONNECTION_ID.sub(rb"\g<1>0", received) for received in (ours, theirs))
    # Redis searches the end of an inline command as in a C string. After a NUL it waits for a line
    # that never ends, and reads no further; larder goes on. Until there both say the same.
    if b"\0" in payload and ours.startswith(theirs):
        return True
    return ours == theirs


def _rule_for(args):
    if not args:
        return None
    name = args[0].upper()
    if len(args) > 1:
        second = args[1].upper()
        # HELP texts differ and larder has fewer subcommands; the frame is the same.
        if second == b"HELP" and len(args) == 2:
            return _help
        if (name, second) in RULES:
            return RULES[name, second]
        if name in CONTAINERS:
            return None
    return RULES.get(name)


def _same_kind(_, ours, theirs):
    return ours[0] == theirs[0]


def _within(tolerance):
    def rule(_, ours, theirs):
        if ours[0] != ":" or theirs[0] != ":":
            return False
        both_set = ours[1] > 0 and theirs[1] > 0
        return both_set and abs(ours[1] - theirs[1]) <= tolerance

    return rule


def _unordered(_, ours, theirs):
    return ours[0] == theirs[0] and sorted(ours[1]) == sorted(theirs[1])


def _scan(args, ours, theirs):
    if [kind for kind, _ in ours[1]] != [kind for kind, _ in theirs[1]]:
        return False
    from_the_start = args[1] == b"0"
    if not from_the_start:
        return True
    same_cursor = ours[1][0] == theirs[1][0]
    return same_cursor and sorted(ours[1][1][1]) == sorted(theirs[1][1][1])


def _pairs(tree):
    return list(zip(tree[1][0::2], tree[1][1::2]))


def _hello(_, ours, theirs):
    def stable(tree):
        return [
            (key, value)
            for key, value in _pairs(tree)
            if key[1] != b"id" and not key[1].startswith(OWN_NAMES)
        ]

    return ours[0] == theirs[0] and stable(ours) == stable(theirs)


def _info(_, ours, theirs):
    def headings(tree):
        lines = tree[1].split(b"\r\n")
        found = [line for line in lines if line.startswith(b"# ")]
        return [line for line in found if not line[2:].lower().startswith(OWN_NAMES)]

    return ours[0] == theirs[0] and headings(ours) == headings(theirs)


CLIENT_FIELDS_COMPARED = (b"name", b"db", b"sub", b"psub", b"multi", b"user", b"resp")


def _client_list(_, ours, theirs):
    def lines(tree):
        found = []
        for line in tree[1].split(b"\n"):
            line = line.removeprefix(b"txt:").strip()
            if line:
                found.append(dict(field.split(b"=", 1) for field in line.split(b" ")))
        return found

    if ours[0] != theirs[0]:
        return False
    our_lines, their_lines = lines(ours), lines(theirs)
    if len(our_lines) != len(their_lines):
        return False
    for our_line, their_line in zip(our_lines, their_lines):
        if not set(their_line) <= set(our_line):
            return False
        if any(our_line[field] != their_line[field] for field in CLIENT_FIELDS_COMPARED):
            return False
    return True


def _sets_sorted(tree):
    """Flags and categories are sets: RESP3 says so, RESP2 shows an array of status strings."""
    kind, value = tree
    if not isinstance(value, list):
        return tree
    children = [_sets_sorted(child) for child in value]
    if kind == "~" or all(child[0] == "+" for child in children):
        children.sort()
    return kind, children


def _command_info(_, ours, theirs):
    return _sets_sorted(ours) == _sets_sorted(theirs)


def _names(tree):
    """The names of a COMMAND LIST reply."""
    return {child[1].lower() for child in tree[1]}


def _keys(tree):
    """The names that a map, or RESP2's flat array of one, gives values to."""
    return {key[1].lower() for key, _ in _pairs(tree)}


def _command_table(_, ours, theirs):
    if ours[0] != theirs[0]:
        return False
    if all(child[0] == "*" for child in ours[1] + theirs[1]):
        their_rows = {row[1][0][1]: _sets_sorted(row) for row in theirs[1]}
        own = [row for row in ours[1] if not row[1][0][1].startswith(OWN_NAMES)]
        return all(row[1][0][1] in their_rows for row in own)
    own = _names(ours) - _names(theirs)
    return all(name.startswith(OWN_NAMES) or name in LATER_COMMANDS for name in own)


def _command_docs(_, ours, theirs):
    return ours[0] == theirs[0] and all(
        name.startswith(OWN_NAMES) for name in _keys(ours) - _keys(theirs)
    )


def _config_get(_, ours, theirs):
    return ours[0] == theirs[0] and _keys(theirs) <= _keys(ours)


def _help(_, ours, theirs):
    def frame(tree):
        return tree[1][0], tree[1][-2:]

    return ours[0] == theirs[0] and frame(ours) == frame(theirs)


def _memory_stats(_, ours, theirs):
    def names(tree):
        return [key[1] for key, _ in _pairs(tree)]

    return ours[0] == theirs[0] and names(ours) == names(theirs)


def _histogram(args, ours, theirs):
    """The same commands were called as often; how long they took is each server's own."""
    if ours[0] != theirs[0]:
        return False
    if len(args) == 2:
        return True  # all commands: also those of the other connections, in the other's order

    def calls(tree):
        return sorted((name[1], fields[1][:2]) for name, fields in _pairs(tree))

    return calls(ours) == calls(theirs)


def _raw_in_redis(_, ours, theirs):
    return ours[0] == theirs[0] and theirs[1] == b"raw" and ours[1] in (b"int", b"embstr")


DEBUG_OBJECT = re.compile(rb"Value at:(0x[0-9a-f]+) (refcount):\d+ (encoding:\w+ serializedlength:\d+) "
                          rb"lru:\d+ lru_seconds_idle:\d+")  # fmt: skip


def _debug_object(_, ours, theirs):
    # Redis keeps a text that was written in place raw for ever.
    def length(tree):
        return re.sub(rb".*(serializedlength:\d+) .*", rb"\1", tree[1])

    both_match = all(DEBUG_OBJECT.fullmatch(tree[1]) for tree in (ours, theirs))
    return ours[0] == theirs[0] and both_match and length(ours) == length(theirs)


# Command, or command and subcommand -> rule(args, our tree, their tree).
RULES = {
    # Time passes between the two servers' answers; deadlines themselves are relative to it.
    b"TTL": _within(TOLERANCE_S),
    b"PTTL": _within(TOLERANCE_S * 1000),
    b"EXPIRETIME": _within(TOLERANCE_S),
    b"PEXPIRETIME": _within(TOLERANCE_S * 1000),
    # Redis' clock for it ticks once a second, and the integers that it shares between keys share
    # their idle time too.
    (b"OBJECT", b"IDLETIME"): _same_kind,
    # Of a value that SETBIT or BITFIELD left as it was, Redis has made a raw copy all the same; and
    # an integer that COPY has made is one that it does not share.
    (b"OBJECT", b"ENCODING"): _raw_in_redis,
    (b"OBJECT", b"REFCOUNT"): _same_kind,
    # The order of a hash table is nobody's promise.
    b"KEYS": _unordered,
    # Which key is drawn is chance; whether there is one is not.
    b"RANDOMKEY": _same_kind,
    # A scan in one call sees the same keys in another order. What a cursor other than 0 means is
    # each server's own business; it must still be answered, or refused, alike.
    b"SCAN": _scan,
    # The connection's id, and larder_version.
    b"HELLO": _hello,
    # Nearly every value differs; the sections must be the same, larder's own apart.
    b"INFO": _info,
    # Times, what took long, and what memory it took; the text about it is larder's own.
    b"TIME": _same_kind,
    b"LASTSAVE": _same_kind,
    b"LOLWUT": _same_kind,
    (b"SLOWLOG", b"GET"): _same_kind,
    (b"SLOWLOG", b"LEN"): _same_kind,
    (b"LATENCY", b"DOCTOR"): _same_kind,
    (b"LATENCY", b"HISTOGRAM"): _histogram,
    (b"MEMORY", b"USAGE"): _same_kind,
    (b"MEMORY", b"STATS"): _memory_stats,
    (b"MEMORY", b"DOCTOR"): _same_kind,
    (b"MEMORY", b"MALLOC-STATS"): _same_kind,
    (b"DEBUG", b"OBJECT"): _debug_object,
    # Ids, addresses, ages and buffer sizes differ.
    (b"CLIENT", b"ID"): _same_kind,
    (b"CLIENT", b"INFO"): _client_list,
    (b"CLIENT", b"LIST"): _client_list,
    # larder has fewer commands than Redis, and its own: what it lists must be what Redis lists.
    b"COMMAND": _command_table,
    (b"COMMAND", b"COUNT"): _same_kind,
    (b"COMMAND", b"LIST"): _command_table,
    # The prose is larder's own.
    (b"COMMAND", b"DOCS"): _command_docs,
    # Flags and categories are sets.
    (b"COMMAND", b"INFO"): _command_info,
    (b"COMMAND", b"GETKEYSANDFLAGS"): _command_info,
    # Defaults are each server's own; every parameter of Redis must be known. Values that were set
    # are compared by the tests of larder's configuration.
    (b"CONFIG", b"GET"): _config_get,
}
