"""Preferences and window state: two small JSON files, read once, written whole."""

import threading
from pathlib import Path
from typing import Any

import msgspec

from app import NAME
from app.core.errors import Failure, StoreFailed, UsageError
from app.core.settings import SETTINGS, Setting, setting
from app.core.text import _
from app.store.failures import explain
from app.store.files import set_aside, write_whole


class Preferences:
    """What the user chose (settings.json) and where things stood (state.json).

    settings.json holds only what differs from the defaults, and keeps what it does not know: a newer
    version may have written it. `set` and `set_state` touch memory alone; `save` writes, in any thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._settings, self.notice = _load(folder / "settings.json")
        # Where a window stood is not worth a word to the user.
        self._state, _unsaid = _load(folder / "state.json")
        self._unsaved: set[str] = set()

    def get(self, key: str) -> Any:
        """The value of a preference; its default where the file holds none that fits."""
        row = setting(key)
        value = self._settings.get(key, row.default)
        return row.kind(value) if row.accepts(value) else row.default

    def set(self, key: str, value: object) -> None:
        """Choose a value; raises UsageError with a sentence where there is no such key or the value does not fit."""
        row = next((row for row in SETTINGS if row.key == key), None)
        if row is None:
            raise UsageError(
                _("There is no setting “{key}”.").format(key=key),
                _("The settings are: {keys}.").format(keys=", ".join(row.key for row in SETTINGS)),
            )
        if not row.accepts(value):
            raise UsageError(
                _("“{title}” ({key}) cannot be {value!r}.").format(title=row.title(), key=key, value=value),
                _describe(row),
            )
        with self._lock:
            if value == row.default:
                self._settings.pop(key, None)
            else:
                self._settings[key] = value
            self._unsaved.add("settings.json")

    def get_state(self, key: str, default: Any = None) -> Any:
        """Something the app remembers by itself, such as the window's place."""
        return self._state.get(key, default)

    def set_state(self, key: str, value: object) -> None:
        """Remember something that JSON can hold."""
        with self._lock:
            self._state[key] = value
            self._unsaved.add("state.json")

    def save(self) -> None:
        """Write what changed since the last time; raises StoreFailed where the folder does not take it."""
        with self._lock:
            files = {"settings.json": self._settings, "state.json": self._state}
            for name in sorted(self._unsaved):
                content = msgspec.json.format(msgspec.json.encode(files[name], order="sorted"), indent=2)
                try:
                    write_whole(self._folder / name, content + b"\n")
                except OSError as error:
                    raise explain(error, self._folder) from error
                self._unsaved.discard(name)


def _load(path: Path) -> tuple[dict[str, Any], Failure | None]:
    """A file's object; where it is damaged an empty one, with a word about where the damaged one lies."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any]), None
    except (FileNotFoundError, NotADirectoryError):
        return {}, None
    except (OSError, msgspec.DecodeError, RecursionError):
        return {}, _set_damaged_aside(path)


def _set_damaged_aside(path: Path) -> Failure:
    said = _("The file {path} cannot be read. {app} starts with its defaults.").format(path=path, app=NAME)
    try:
        aside = set_aside(path)
    except OSError as error:
        return StoreFailed(said, explain(error, path.parent).message).failure()
    return StoreFailed(said, _("It was kept: {path}").format(path=aside)).failure()


def _describe(row: Setting) -> str:
    if row.choices:
        return _("Choose one of: {choices}.").format(choices=", ".join(str(choice) for choice in row.choices))
    if row.least is not None and row.most is not None:
        return _("It is a number from {least:,} to {most:,}.").format(least=row.least, most=row.most)
    if row.kind is bool:
        return _("It is true or false.")
    return _("It is a text.")
