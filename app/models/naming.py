"""What a person writes to name a repository: owner/name, or the address of its page."""

import os
import re
from urllib.parse import unquote, urlsplit

from app.core.errors import UsageError
from app.core.text import _

ENDPOINT = "https://huggingface.co"
WORD = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
REPOSITORY = re.compile(f"({WORD})/({WORD})")
LOGIN = re.compile(r"//\S*@")
OTHERS = ("datasets", "spaces", "models", "api", "docs", "kernels", "collections", "papers", "blog", "settings")
"""First words of addresses on the hub that are no owners."""


def find_endpoint() -> str:
    """The hub's address: the usual one, or that of the environment."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or ENDPOINT


def parse_repository(text: str) -> str:
    """The repository as owner/name; raises UsageError with what to write."""
    words = text.strip()
    if "://" in words or words.startswith(("huggingface.co/", "hf.co/")):
        words = _read_address(words if "://" in words else f"https://{words}")
    words = words.removesuffix(".git")  # of the address from which git clones it; no name ends so
    if words.endswith(".git"):
        raise no_name(text)
    if (match := REPOSITORY.fullmatch(words)) and ".." not in words and "--" not in words and match[1] not in OTHERS:
        return words
    raise no_name(text)


def no_name(text: str) -> UsageError:
    """The error for words that cannot name a repository."""
    return UsageError(
        _("{text} does not name a model on the hub.").format(text=f'"{text.strip()[:100]}"'),
        _("Write owner/name, as on the model's page, or paste the address of that page."),
    )


def hide_login(text: str) -> str:
    """Words about an address without the user and the password that may stand in it."""
    return LOGIN.sub("//", text)


def _read_address(address: str) -> str:
    """The first two words of a page's path, empty where it is not a page of the hub."""
    try:
        parts = urlsplit(address)
        hub = urlsplit(find_endpoint())
        known = {(hub.hostname, hub.port), ("huggingface.co", None), ("hf.co", None), ("www.huggingface.co", None)}
        if parts.scheme not in ("http", "https") or (parts.hostname, parts.port) not in known:
            return ""
    except ValueError:  # no address at all
        return ""
    path = unquote(parts.path).removeprefix(hub.path if parts.hostname == hub.hostname else "")
    return "/".join(path.strip("/").split("/")[:2])
