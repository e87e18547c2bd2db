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
    version may have written it. `set` and `set_state` touch memory alone; `save` writes, in any thread, what was
    changed here over what the file holds by then: a command in a terminal may have chosen something else meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock, self._saving = threading.Lock(), threading.Lock()
        self._untouched: set[str] = set()
        """Files that are out of reach: they may be whole, and are not replaced."""
        self._settings, self.notice = self._load("settings.json")
        # Where a window stood is not worth a word to the user.
        self._state, _unsaid = self._load("state.json")
        self._unsaved: dict[str, set[str]] = {"settings.json": set(), "state.json": set()}
        """Keys that were changed, by file."""

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
            self._unsaved["settings.json"].add(key)

    def get_state(self, key: str, default: Any = None) -> Any:
        """Something the app remembers by itself, such as the window's place."""
        return self._state.get(key, default)

    def set_state(self, key: str, value: object) -> None:
        """Remember something that JSON can hold."""
        with self._lock:
            self._state[key] = value
            self._unsaved["state.json"].add(key)

    def save(self) -> None:
        """Write what changed since the last time; raises StoreFailed where the folder does not take it."""
        with self._saving:
            with self._lock:  # for a moment only: `set` is called where nothing may wait for a disk
                files = {"settings.json": self._settings, "state.json": self._state}
                due = {name: keys for name, keys in self._unsaved.items() if keys and name not in self._untouched}
                contents = {name: _encode_each(files[name]) for name in due}
                self._unsaved |= {name: set() for name in due}
            try:
                for name, content in contents.items():
                    kept = _read_each(self._folder / name)
                    others = content if kept is None else kept
                    whole = {key: value for key, value in others.items() if key not in due[name]}
                    whole |= {key: value for key, value in content.items() if key in due[name]}
                    encoded = msgspec.json.encode(whole, order="sorted")
                    write_whole(self._folder / name, msgspec.json.format(encoded, indent=2) + b"\n")
                    due[name] = set()
            except OSError as error:
                with self._lock:
                    for name, keys in due.items():
                        self._unsaved[name] |= keys
                raise explain(error, self._folder) from error

    def _load(self, name: str) -> tuple[dict[str, Any], Failure | None]:
        """A file's object; where it is damaged or out of reach an empty one, with a word about what became of it."""
        path = self._folder / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, Any]), None
        except (FileNotFoundError, NotADirectoryError):
            return {}, None
        except OSError as error:
            self._untouched.add(name)
            return {}, _leave_unread(path, error)
        except (msgspec.DecodeError, RecursionError):
            return {}, _set_damaged_aside(path)


def _encode_each(values: dict[str, Any]) -> dict[str, msgspec.Raw]:
    return {key: msgspec.Raw(msgspec.json.encode(value, order="sorted")) for key, value in values.items()}


def _read_each(path: Path) -> dict[str, msgspec.Raw] | None:
    """What a file holds by now; None where it is gone or makes no sense."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
    except (OSError, msgspec.DecodeError, RecursionError):
        return None


def _leave_unread(path: Path, error: OSError) -> Failure:
    return StoreFailed(
        _("The file {path} cannot be read: {why}. {app} starts with its defaults.").format(
            path=path, why=error.strerror or error, app=NAME
        ),
        _("It was left as it is, and what you change is not kept until {app} can read it.").format(app=NAME),
    ).failure()


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
