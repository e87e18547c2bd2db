"""A typeset formula as shapes that any painter can draw in any colour."""

from dataclasses import dataclass
from enum import Enum, auto

Matrix = tuple[float, float, float, float, float, float]
"""m11, m12, m21, m22, dx, dy: x' = m11 x + m21 y + dx, y' = m12 x + m22 y + dy, as in SVG."""
Box = tuple[float, float, float, float]
"""x, y, width, height."""


class Form(Enum):
    """What a shape is."""

    OUTLINE = auto()
    """A glyph: `data` is an SVG path of absolute M L H V Q T C Z."""
    RULE = auto()
    """A filled rectangle: `box`."""
    FRAME = auto()
    """A hollow rectangle: `box`."""
    LINE = auto()
    """From the corner x, y of `box` to the one opposite, whose distance may be negative."""
    TEXT = auto()
    """Characters outside the formula fonts: `data`, at the origin, 900 units high."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One thing to draw, in its own units, brought into place by `matrix` (result: em, y downward)."""

    form: Form
    matrix: Matrix
    data: str = ""
    box: Box = (0.0, 0.0, 0.0, 0.0)
    clip: Box | None = None
    """What may be seen of it, in em."""
    colour: str = ""
    """A colour of its own; empty for the ink of the text around it."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A formula. All measures are in em; the origin is its left upper corner."""

    width: float
    height: float
    depth: float
    """Below the baseline."""
    shapes: tuple[Shape, ...]
