"""Progress lines: what runs, how far it is, how long it has taken."""

from __future__ import annotations

import time


class Progress:
    """Prints one line a step: `[  12.3 s] server 14/396: GET P=16, larder rcu: 0.62 us`."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._title = ""
        self._step = 0
        self._steps = 0

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started

    def section(self, title: str, steps: int) -> None:
        self._title, self._step, self._steps = title, 0, steps

    def step(self, what: str) -> None:
        self._step += 1
        self.say(f"{self._title} {self._step}/{self._steps}: {what}")

    def say(self, text: str) -> None:
        print(f"[{self.elapsed_s:6.1f} s] {text}", flush=True)
