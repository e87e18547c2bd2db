"""Colours, fonts and measures: the one file of the interface that knows them."""

import json
import sys
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyle

THEMES = Path(__file__).resolve().parents[2] / "resources" / "themes"
COLUMN = 720
"""Widest reading column."""
GUTTER = 24
"""Room at the sides of the column."""
FOLD_MS = 120
SIZES = {"text": 15, "thought": 14, "code": 13, "small": 13, "tiny": 11, "title": 15, "lead": 20}
"""Font sizes in points of the screen."""
LINES = {"text": 24, "thought": 22, "code": 20}
"""Line heights of running text."""

_SHEET = """
QToolTip {{ background: {paper}; color: {ink}; border: 1px solid {hairline}; padding: 4px 6px; }}
QLineEdit {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {hairline}; border-radius: 3px; min-height: 32px; margin: 2px 3px; }}
QScrollBar::handle:vertical:hover {{ background: {secondary}; }}
QMenu {{ background: {card}; color: {ink}; border: 1px solid {hairline}; padding: 4px; }}
QMenu::item {{ padding: 5px 28px 5px 12px; border-radius: 6px; }}
QMenu::item:selected {{ background: {selected}; }}
QMenu::item:disabled {{ color: {secondary}; }}
QMenu::indicator {{ width: 6px; height: 6px; border-radius: 3px; left: 5px; }}
QMenu::indicator:checked {{ background: {ink}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page,
QScrollBar::sub-page {{ height: 0; background: none; }}
"""


class Theme(QObject):
    """The tokens of the theme in force; `changed` says that they are others now."""

    changed = Signal()

    def __init__(self, app: QApplication, choice: str = "system") -> None:
        super().__init__(app)
        self._app = app
        self._choice = choice
        self.tokens: dict[str, str] = {}
        self.dark = False
        self.contrast = False
        """Whether greys are left out."""
        app.setStyle("Fusion")
        self.reduced_motion = _wants_no_motion(app)
        self._family = _text_family()
        self._code_families = _code_families()
        app.setFont(self.font("small"))
        app.styleHints().colorSchemeChanged.connect(self._follow_system)
        self._apply()

    def choose(self, choice: str) -> None:
        """Show "light", "dark" or what the "system" shows."""
        self._choice = choice
        self._apply()

    def set_contrast(self, *, high: bool) -> None:
        """Leave greys out, or use them again."""
        if high != self.contrast:
            self.contrast = high
            self.tokens = {}
            self._apply()

    def color(self, token: str, alpha: float = 1.0) -> QColor:
        """A token as a colour."""
        color = QColor(self.tokens[token])
        color.setAlphaF(alpha)
        return color

    def font(self, role: str, *, bold: bool = False) -> QFont:
        """The font of a role of `SIZES`; `bold` is the semibold of headings."""
        if role == "code":
            font = QFont(self._code_families)
            font.setStyleHint(QFont.StyleHint.Monospace)
            font.setFeature(QFont.Tag("calt"), 0)  # ligatures change what code looks like
        else:
            font = QFont(self._family) if self._family else QFont(self._app.font())
        font.setPixelSize(SIZES[role])
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        if bold:
            font.setWeight(QFont.Weight.DemiBold)
        return font

    def lift_of(self, role: str) -> int:
        """By how much running text has to be drawn higher to stand in the middle of its lines.

        Qt puts all of a fixed line height's extra room above the text.
        """
        return max(0, round((LINES[role] - QFontMetricsF(self.font(role)).height()) / 2))

    @property
    def fold_ms(self) -> int:
        """How long folding takes."""
        return 0 if self.reduced_motion else FOLD_MS

    @Slot()
    def _follow_system(self) -> None:
        if self._choice == "system":
            self._apply()

    def _apply(self) -> None:
        dark = self._choice == "dark"
        if self._choice == "system":
            dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
        if self.tokens and dark == self.dark:
            return
        self.dark = dark
        self.tokens = load_tokens("dark" if dark else "light", high_contrast=self.contrast)
        self._app.setPalette(self._palette())
        self._app.setStyleSheet(_SHEET.format(**self.tokens))
        self.changed.emit()

    def _palette(self) -> QPalette:
        role = QPalette.ColorRole
        palette = QPalette()
        for name, token in (
            (role.Window, "paper"),
            (role.Base, "paper"),
            (role.AlternateBase, "sidebar"),
            (role.Button, "paper"),
            (role.ToolTipBase, "paper"),
            (role.WindowText, "ink"),
            (role.Text, "ink"),
            (role.ButtonText, "ink"),
            (role.ToolTipText, "ink"),
            (role.HighlightedText, "ink"),
            (role.PlaceholderText, "secondary"),
            (role.Highlight, "selection"),
            (role.Link, "accent_text"),
            (role.Accent, "accent"),
            (role.Mid, "hairline"),
        ):
            palette.setColor(name, self.color(token))
        for name in (role.WindowText, role.Text, role.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, name, self.color("secondary"))
        return palette


def load_tokens(name: str, *, high_contrast: bool = False) -> dict[str, str]:
    """The tokens of a theme file; for high contrast, others take the place of some."""
    tokens: dict[str, str] = json.loads((THEMES / f"{name}.json").read_text(encoding="utf-8"))
    if high_contrast:
        tokens |= json.loads((THEMES / f"{name}-contrast.json").read_text(encoding="utf-8"))
    return tokens


def _wants_no_motion(app: QApplication) -> bool:
    """Whether the system has switched animations off, as far as Qt hears of it."""
    style, hint = app.style(), QStyle.StyleHint
    return not style.styleHint(hint.SH_Widget_Animate) or not style.styleHint(hint.SH_Widget_Animation_Duration)


def _text_family() -> str:
    """Inter where it is installed; empty for the system's own font, always so on macOS."""
    if sys.platform == "darwin":
        return ""
    return "Inter" if "Inter" in QFontDatabase.families() else ""


def _code_families() -> list[str]:
    return ["SF Mono", "Menlo"] if sys.platform == "darwin" else ["JetBrains Mono", "DejaVu Sans Mono", "monospace"]
