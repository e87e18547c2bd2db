"""Reads the SVG that MathJax writes into shapes; no Qt."""

import re
from collections.abc import Iterator
from math import cos, radians, sin
from xml.etree import ElementTree as ET

from app.markup.drawing import Box, Drawing, Form, Matrix, Shape

UNITS = 1000.0
"""Units of the formula fonts in one em."""
LARGEST = 250.0
"""Em; a formula that is wider or higher is not meant to be read."""
_IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_STEP = re.compile(r"(translate|scale|rotate|matrix)\(([^)]*)\)")
_UNIT = re.compile(r"[a-z%]+$")


def draw(svg: str) -> Drawing:
    """The drawing of an SVG whose glyphs stand in place; ValueError where it is too large or no such SVG."""
    try:
        root = ET.fromstring(svg.replace("&nbsp;", "\u00a0"))  # noqa: S314  # MathJax wrote it
        left, top, width, height = map(float, root.get("viewBox", "").split())
        if max(width, height) > LARGEST * UNITS:
            raise ValueError("too large")
        scale = 1 / UNITS
        base = (scale, 0.0, 0.0, scale, -left * scale, -top * scale)
        shapes = tuple(_collect(root, base, None, ""))
    except (ET.ParseError, RecursionError) as error:
        raise ValueError("no SVG of a formula") from error
    return Drawing(width * scale, height * scale, max(0.0, (top + height) * scale), shapes)


def _collect(parent: ET.Element, matrix: Matrix, clip: Box | None, colour: str) -> Iterator[Shape]:
    for node in parent:
        tag = node.tag.rpartition("}")[2]
        here = _times(_transform(node.get("transform", "")), matrix)
        fill = node.get("fill", "")
        own = fill if fill not in {"", "currentColor", "none"} else colour
        if tag in {"g", "a"}:
            yield from _collect(node, here, clip, own)
        elif tag == "path" and node.get("d"):
            yield Shape(Form.OUTLINE, here, data=node.get("d", ""), clip=clip, colour=own)
        elif tag == "rect":
            # frames are hollow, bars of fractions and roots are filled
            hollow = node.get("data-frame") or fill == "none"
            box = _numbers(node, "x", "y", "width", "height")
            yield Shape(Form.FRAME if hollow else Form.RULE, here, box=box, clip=clip, colour=own)
        elif tag == "line":
            x1, y1, x2, y2 = _numbers(node, "x1", "y1", "x2", "y2")
            yield Shape(Form.LINE, here, box=(x1, y1, x2 - x1, y2 - y1), clip=clip, colour=own)
        elif tag == "svg":
            inner, seen = _window(node, matrix)
            yield from _collect(node, inner, seen, own)
        elif tag == "text":
            yield Shape(Form.TEXT, here, data="".join(node.itertext()), clip=clip, colour=own)


def _window(node: ET.Element, matrix: Matrix) -> tuple[Matrix, Box]:
    """The matrix inside a nested picture, as stretched braces are, and what may be seen of it."""
    x, y, width, height = _numbers(node, "x", "y", "width", "height")
    left, top, across, down = (float(word) for word in node.get("viewBox", "0 0 1 1").split())
    inner = _times((1.0, 0.0, 0.0, 1.0, x, y), matrix)
    if width and across and down:
        inner = _times((width / across, 0.0, 0.0, height / down, 0.0, 0.0), inner)
    inner = _times((1.0, 0.0, 0.0, 1.0, -left, -top), inner)
    corners = [_map(inner, x, y) for x in (left, left + across) for y in (top, top + down)]
    low = (min(x for x, _y in corners), min(y for _x, y in corners))
    high = (max(x for x, _y in corners), max(y for _x, y in corners))
    return inner, (*low, high[0] - low[0], high[1] - low[1])


def _numbers(node: ET.Element, *names: str) -> tuple[float, float, float, float]:
    first, second, third, fourth = (float(_UNIT.sub("", node.get(name, "0")) or 0) for name in names)
    return first, second, third, fourth


def _transform(text: str) -> Matrix:
    matrix = _IDENTITY
    for name, arguments in _STEP.findall(text):
        values = [float(number) for number in re.split(r"[ ,]+", arguments.strip())]
        if name == "translate":
            step: Matrix = (1.0, 0.0, 0.0, 1.0, values[0], values[1] if len(values) > 1 else 0.0)
        elif name == "scale":
            step = (values[0], 0.0, 0.0, values[1] if len(values) > 1 else values[0], 0.0, 0.0)
        elif name == "rotate":
            step = _turned(values[0])
        else:
            first, second, third, fourth, fifth, sixth = values
            step = (first, second, third, fourth, fifth, sixth)
        matrix = _times(step, matrix)
    return matrix


def _turned(degrees: float) -> Matrix:
    angle = radians(degrees)
    return (cos(angle), sin(angle), -sin(angle), cos(angle), 0.0, 0.0)


def _times(first: Matrix, then: Matrix) -> Matrix:
    """First the one, then the other."""
    a, b, c, d, e, f = first
    m11, m12, m21, m22, dx, dy = then
    return (
        a * m11 + b * m21,
        a * m12 + b * m22,
        c * m11 + d * m21,
        c * m12 + d * m22,
        e * m11 + f * m21 + dx,
        e * m12 + f * m22 + dy,
    )


def _map(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    m11, m12, m21, m22, dx, dy = matrix
    return m11 * x + m21 * y + dx, m12 * x + m22 * y + dy
