"""One line of the doctor's report."""

import msgspec


class Check(msgspec.Struct, frozen=True):
    """What was looked at, and what it came to."""

    name: str
    status: str
    """"ok", "warn" or "fail"."""
    text: str
    hint: str = ""
