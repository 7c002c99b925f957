"""Finds a short command sequence that ends in the same difference as a long one."""

import time

import normalise

BATCH = 100
SECONDS_MAX = 15


def shortest(pair, history):
    """A part of `history`, its last command included, after which the replies to that last command
    still differ on empty servers; None if not even all of it shows the difference again."""
    deadline = time.monotonic() + SECONDS_MAX
    kept = history[:-1]
    last = history[-1]
    if not _differs(pair, kept, last):
        return None
    # Leave out ever smaller pieces, the older half first: most of the past does not matter.
    piece = max(len(kept) // 2, 1)
    while piece >= 1 and time.monotonic() < deadline:
        at = 0
        while at < len(kept) and time.monotonic() < deadline:
            shorter = kept[:at] + kept[at + piece :]
            if _differs(pair, shorter, last):
                kept = shorter
            else:
                at += piece
        piece //= 2
    return kept + [last]


def _differs(pair, before, last):
    pair.reset()
    for at in range(0, len(before), BATCH):
        pair.exchange(before[at : at + BATCH])
    (ours,), (theirs,) = pair.exchange([last])
    return not normalise.equivalent(last, ours, theirs)
