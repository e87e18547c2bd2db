"""Every test here leaves nothing behind."""

from tests.chat.leaks import _leaves_nothing

__all__ = ["_leaves_nothing"]
