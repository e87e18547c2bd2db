"""Durations and sizes as people say them, for the window and the terminal."""

from app.core.text import _

MEGABYTE, GIGABYTE = 1_000_000, 1_000_000_000
MINUTE, HOUR = 60, 3600
STEPS = ((10, 1), (MINUTE, 5), (10 * MINUTE, 10), (HOUR, MINUTE))
"""Up to so many seconds a duration is told in steps of so many: what is only measured must not look exact."""


def say_about(seconds: float) -> str:
    """A duration that is only expected: "about 1 min 40 s", "less than 1 s"."""
    if seconds < 1:
        return _("less than 1 s")
    step = next((step for most, step in STEPS if seconds < most), 10 * MINUTE)
    whole = max(1, round(seconds / step)) * step
    return _("about {time}").format(time=_say(whole))


def say_size(size: int) -> str:
    """Bytes as people read them: "340 MB", "1.2 GB"."""
    if size >= GIGABYTE:
        return _("{size} GB").format(size=say_gigabytes(size))
    return _("{size} MB").format(size=max(1, round(size / MEGABYTE)))


def say_gigabytes(size: int) -> str:
    """Bytes as a number of gigabytes: "1.2", "10"."""
    return f"{size / GIGABYTE:.1f}".removesuffix(".0")


def _say(whole: int) -> str:
    if whole < MINUTE:
        return _("{seconds} s").format(seconds=whole)
    if whole < HOUR:
        minutes, seconds = divmod(whole, MINUTE)
        if not seconds:
            return _("{minutes} min").format(minutes=minutes)
        return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=seconds)
    hours, minutes = divmod(whole // MINUTE, MINUTE)
    return (
        _("{hours} h {minutes} min").format(hours=hours, minutes=minutes)
        if minutes
        else _("{hours} h").format(hours=hours)
    )
