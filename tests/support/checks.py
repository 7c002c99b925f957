"""The checks of a test in Python: one line each, failures counted."""


class Skipped(Exception):
    """What the test needs is not on this machine; the text says what."""


class Checks:
    """Prints `ok` or `FAILED` for each check; `failed` of them failed so far."""

    def __init__(self):
        self.failed = 0

    def true(self, what, passed, got=""):
        if passed:
            print(f"ok      {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {what}: got {got!r}", flush=True)

    def equal(self, what, got, expected):
        self.true(what, got == expected, got)

    def contains(self, what, text, *parts):
        """Every part stands in the text."""
        missing = [part for part in parts if part not in text]
        self.true(what, not missing, f"{text} without {missing}")
