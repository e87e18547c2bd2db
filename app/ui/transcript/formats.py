"""The formats of characters and lines for one look of running text, made once and used for every document."""

from dataclasses import dataclass
from math import ceil

from PySide6.QtGui import QColor, QFont, QFontMetricsF, QTextBlockFormat, QTextCharFormat, QTextFormat

from app.markup.block import Style
from app.ui.theme import LINES, SIZES, Theme
from app.ui.transcript.inline import EM, FORMULA_KEY, FORMULA_TYPE

BIGGER = {1: 5, 2: 2}
"""By how much headings exceed their text."""
HEAD = -1
"""The "heading" of a table's head: semibold, no larger."""
HEADING_LINE = 1.4
"""Line height of a heading beside its size."""
BASELINE = 0.8
"""Where Qt puts the baseline in a line of fixed height."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a text is to look."""

    role: str = "text"
    """"text" or "thought"."""
    ink: str = "ink"
    """Token of its colour."""
    scale: float = 1.0
    """Text size, 0.8 to 2."""


@dataclass(frozen=True, slots=True)
class Line:
    """How high the lines of a paragraph are and where its letters stand in them."""

    format_type: int
    value: float
    shift: float
    """By how much lower Qt has to put the paragraph for its text to stand in the middle of its lines."""


class Formats:
    """Formats of one look in the theme in force."""

    def __init__(self, theme: Theme, look: Look) -> None:
        self._theme, self._look = theme, look
        self.scale = look.scale
        self.ink = theme.color(look.ink)
        self.font = self._sized(theme.font(look.role), SIZES[look.role])
        self.metrics = QFontMetricsF(self.font)
        self.code_font = self._sized(theme.font("code"), SIZES["code"] - (look.role == "thought"))
        self.code_metrics = QFontMetricsF(self.code_font)
        self.plain = QTextCharFormat()
        probe = QFont(self.font)
        probe.setPixelSize(100)
        self._descent = QFontMetricsF(probe).descent() / 100
        self._characters: dict[tuple[Style, bool, int, str], QTextCharFormat] = {}
        self._widths: dict[tuple[Style, int], QFontMetricsF] = {}
        self._lines: dict[tuple[int, bool], Line] = {}
        self._blocks: dict[tuple[Line, int, float, int], QTextBlockFormat] = {}
        self._drops: dict[int, tuple[QFont, float]] = {}

    def _sized(self, font: QFont, size: float) -> QFont:
        font = QFont(font)
        font.setPixelSize(max(1, round(size * self._look.scale)))
        return font

    def colour(self, token: str) -> QColor:
        """A token as a colour; an empty one is the text's own."""
        return self._theme.color(token) if token else self.ink

    def size(self, heading: int = 0) -> int:
        """Size of the text or of a heading, in points of the screen."""
        return max(1, round((SIZES[self._look.role] + BIGGER.get(heading, 0)) * self._look.scale))

    def em(self, heading: int = 0) -> float:
        """Size of formulas in such text."""
        return self.size(heading) * EM

    def character(self, style: Style, ink: str = "", *, link: bool = False, heading: int = 0) -> QTextCharFormat:
        """The format of characters; always the same object for the same wish."""
        key = (style, link, heading, ink)
        found = self._characters.get(key)
        if found is None:
            found = self._characters[key] = self._make(style, ink, link=link, heading=heading)
        return found

    def _make(self, style: Style, ink: str, *, link: bool, heading: int) -> QTextCharFormat:
        made = QTextCharFormat()
        if style & Style.CODE:
            font = QFont(self.code_font)
            if heading:
                font.setPixelSize(round(self.size(heading) * SIZES["code"] / SIZES["text"]))
            made.setFont(font)
        elif heading or style & Style.RAISED:
            size = self.size(heading) * (0.72 if style & Style.RAISED else 1)
            made.setProperty(QTextFormat.Property.FontPixelSize.value, max(1, round(size)))
        if heading or style & Style.STRONG:
            weight = QFont.Weight.DemiBold if heading else QFont.Weight.Bold
            made.setFontWeight(weight.value)
        if style & Style.EMPHASIS:
            made.setFontItalic(True)
        if style & Style.STRUCK:
            made.setFontStrikeOut(True)
        if style & Style.RAISED:
            made.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSuperScript)
            # Qt makes raised text two thirds as large by itself
            made.setProperty(QTextFormat.Property.FontPixelSize.value, self.size(heading))
        token = "accent_text" if link or style & Style.RAISED else "secondary" if style & Style.MUTED else ink
        if token:
            made.setForeground(self._theme.color(token))
        return made

    def width(self, text: str, style: Style, heading: int = 0) -> float:
        """How wide characters are on one line."""
        key = (style & (Style.CODE | Style.STRONG | Style.EMPHASIS), heading)
        metrics = self._widths.get(key)
        if metrics is None:
            made = self.character(key[0], heading=heading)
            font = QFont(self.code_font if style & Style.CODE else self.font)
            font.setPixelSize(self.size(heading) if not style & Style.CODE else font.pixelSize())
            if made.hasProperty(QTextFormat.Property.FontWeight.value):
                font.setWeight(QFont.Weight(made.fontWeight()))
            font.setItalic(made.fontItalic())
            metrics = self._widths[key] = QFontMetricsF(font)
        return metrics.horizontalAdvance(text)

    def line(self, heading: int = 0, *, grows: bool = False) -> Line:
        """Lines of text or of a heading; those that hold formulas grow with them."""
        key = (heading, grows)
        found = self._lines.get(key)
        if found is None:
            font = QFont(self.font)
            font.setPixelSize(self.size(heading))
            if heading:
                font.setWeight(QFont.Weight.DemiBold)
            height = LINES[self._look.role] * self._look.scale
            if heading in BIGGER:
                height = max(height, self.size(heading) * HEADING_LINE)
            found = self._lines[key] = _line(QFontMetricsF(font), round(height), grows=grows)
        return found

    def code_line(self) -> Line:
        """Lines of code inside a list."""
        return _line(self.code_metrics, round(LINES["code"] * self._look.scale), grows=False)

    def block(self, line: Line, indent: int = 0, top: float = 0.0, align: int = 0) -> QTextBlockFormat:
        """The format of a paragraph: indent from the side where its text begins, and the gap above."""
        key = (line, indent, round(top, 2), align)
        found = self._blocks.get(key)
        if found is None:
            found = QTextBlockFormat()
            found.setLineHeight(line.value, line.format_type)
            found.setIndent(indent)
            found.setTopMargin(key[2])
            if align:
                found.setProperty(QTextFormat.Property.BlockAlignment.value, align)
            self._blocks[key] = found
        return found

    def slack(self, heading: int = 0) -> float:
        """By how much a formula may reach into the room above and below its line."""
        return self.line(heading, grows=True).value * 0.4

    def object(self, depth: float, key: int) -> tuple[QTextCharFormat, float]:
        """The format of a formula so far below the baseline, and how far that is to Qt.

        Qt lets an object reach as far below the baseline as its format's font would, so the font's size sets it.
        """
        size = max(1, ceil(depth / self._descent - 0.01))
        found = self._drops.get(size)
        if found is None:
            font = QFont(self.font)
            font.setPixelSize(size)
            found = self._drops[size] = (font, QFontMetricsF(font).descent())
        made = QTextCharFormat()
        made.setObjectType(FORMULA_TYPE)
        made.setProperty(FORMULA_KEY, key)
        made.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignBaseline)
        made.setFont(found[0])
        return made, found[1]


def _line(metrics: QFontMetricsF, height: int, *, grows: bool) -> Line:
    middle = (height - metrics.height()) / 2 + metrics.ascent()
    if grows:
        distance = max(0, height - ceil(metrics.height()))
        kind = QTextBlockFormat.LineHeightTypes.LineDistanceHeight
        return Line(kind.value, distance, middle - metrics.ascent())
    kind = QTextBlockFormat.LineHeightTypes.FixedHeight
    return Line(kind.value, height, middle - BASELINE * height)
