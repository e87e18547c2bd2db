"""Text can be read in both themes."""

import pytest
from PySide6.QtGui import QColor

from app.ui.theme import load_tokens

TEXTS = (
    ("ink", "paper"),
    ("ink", "sidebar"),
    ("ink", "fill"),
    ("ink", "selected"),
    ("ink", "code_paper"),
    ("ink", "card"),
    ("ink", "selection"),
    ("secondary", "paper"),
    ("secondary", "sidebar"),
    ("secondary", "code_paper"),
    ("secondary", "card"),
    ("accent_text", "paper"),
    ("good", "paper"),
    ("warn", "paper"),
    ("bad", "paper"),
    ("code_keyword", "code_paper"),
    ("code_name", "code_paper"),
    ("code_string", "code_paper"),
    ("code_number", "code_paper"),
    ("code_comment", "code_paper"),
    ("code_added", "code_paper"),
    ("code_removed", "code_paper"),
)
SIGNS = (("accent", "paper"), ("on_accent", "accent"), ("secondary", "fill"))
"""Shapes that say something: WCAG asks for 3."""


def linear(part: float) -> float:
    return part / 12.92 if part <= 0.03928 else float(((part + 0.055) / 1.055) ** 2.4)


def luminance(color: str) -> float:
    shown = QColor(color)
    red, green, blue = (linear(one) for one in (shown.redF(), shown.greenF(), shown.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("pair", TEXTS)
def test_text_has_enough_contrast(name: str, pair: tuple[str, str]) -> None:
    tokens = load_tokens(name)
    assert contrast(tokens[pair[0]], tokens[pair[1]]) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("pair", SIGNS)
def test_signs_have_enough_contrast(name: str, pair: tuple[str, str]) -> None:
    tokens = load_tokens(name)
    assert contrast(tokens[pair[0]], tokens[pair[1]]) >= 2.8


def test_both_themes_have_the_same_tokens() -> None:
    assert load_tokens("light").keys() == load_tokens("dark").keys()
