"""Text for people, which goes through `_()` at the moment it is shown, and text from outside."""

from gettext import NullTranslations

_translations = NullTranslations()


def use_translations(translations: NullTranslations) -> None:
    """Speak another language from now on; the front door calls this once."""
    global _translations  # noqa: PLW0603 - the language is the one thing that is truly global
    _translations = translations


def _(message: str) -> str:
    """The message in the user's language."""
    return _translations.gettext(message)


def plural(one: str, many: str, count: int) -> str:
    """The form of a message that fits the count, with `{count}` filled in ("1,284 tokens")."""
    return _translations.ngettext(one, many, count).format(count=f"{count:,}")


def mend(text: str) -> str:
    """The text with a mark for what UTF-8 cannot hold: half an emoji from a paste, a stray byte from a terminal."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
