"""A plain text file's text, whatever it is encoded in; what is no text is refused."""

import codecs
import stat
from pathlib import Path

from app.core.errors import FileUnreadable
from app.core.text import _

SIZE_LIMIT = 20_000_000
"""Bytes: far more than any context holds."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CONTROLS = dict.fromkeys((*range(7), *range(14, 27), *range(28, 32)))
"""Characters that nobody types; terminals' colours and page breaks are none of them."""
CONTROL_SHARE = 0.005
"""Compressed data has a tenth of them."""


def read_text(path: Path) -> str:
    """The file's text with plain newlines; raises FileUnreadable."""
    data = _read(path)
    if data.startswith(b"%PDF-"):
        raise _no_text(path, _("It is a PDF. This version reads plain text, Markdown and source code."))
    text = _decode(data)
    if text is None:
        raise _no_text(path, _("This version reads plain text, Markdown and source code."))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read(path: Path) -> bytes:
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise FileUnreadable(_("{name} is a folder.").format(name=path.name), _("Name the files in it."))
        if not stat.S_ISREG(kind):  # a pipe or a device may never end
            raise FileUnreadable(_("{name} is not a file.").format(name=path.name), _("Save it to a file first."))
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise FileUnreadable(
            _("{name} cannot be read: {why}.").format(name=path.name, why=error.strerror or error),
            _("Check the name and try again."),
        ) from error
    if len(data) > SIZE_LIMIT:
        raise FileUnreadable(
            _("{name} is larger than {limit} MB.").format(name=path.name, limit=SIZE_LIMIT // 1_000_000),
            _("Take the part that matters."),
        )
    return data


def _decode(data: bytes) -> str | None:
    """The text, None where there is none: by its mark, as UTF-8, else as the old Western encoding."""
    if encoding := next((name for mark, name in MARKS if data.startswith(mark)), None):
        text = data.decode(encoding, "replace")
        return None if "\0" in text else text
    if b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    strange = len(text) - len(text.translate(CONTROLS))
    return None if strange > len(text) * CONTROL_SHARE else text


def _no_text(path: Path, hint: str) -> FileUnreadable:
    return FileUnreadable(_("{name} is not a text file.").format(name=path.name), hint)
