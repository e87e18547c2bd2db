"""Breaking text into lines: numbers stay with their units, and a long name is broken where it has to be."""

from PySide6.QtGui import QFont, QFontMetricsF, QTextLayout, QTextOption

NO_BREAK = "\u00a0"
DOT = " · "
LAST_DOT = f"{NO_BREAK}·"


def break_lines(text: str, font: QFont, width: float) -> list[str]:
    """The lines of a text in that width."""
    layout = QTextLayout(_hold_together(text, QFontMetricsF(font), width), font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    lines: list[str] = []
    layout.beginLayout()
    while (line := layout.createLine()).isValid():
        line.setLineWidth(max(1.0, width))
        start = line.textStart()
        lines.append(layout.text()[start : start + line.textLength()].rstrip())
        if lines[-1].endswith(LAST_DOT):
            lines[-1] = lines[-1].removesuffix(LAST_DOT)
    layout.endLayout()
    return lines


def _hold_together(text: str, metrics: QFontMetricsF, width: float) -> str:
    """Facts between dots are not broken inside, and a dot comes to the end of its line, where it is left out."""
    parts = text.split(DOT)
    if len(parts) == 1:
        return text
    whole = [part.replace(" ", NO_BREAK) if metrics.horizontalAdvance(part) < width / 2 else part for part in parts]
    return f"{LAST_DOT} ".join(whole)


def balance(text: str, font: QFont, width: int) -> list[str]:
    """The lines of a centred text, about equally long, and no more of them than the width asks for."""
    lines = break_lines(text, font, width)
    least, most = width // 2, width
    while len(lines) > 1 and least < most:
        middle = (least + most) // 2
        if len(break_lines(text, font, middle)) > len(lines):
            least = middle + 1
        else:
            most = middle
    return break_lines(text, font, most) if len(lines) > 1 else lines
