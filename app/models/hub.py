"""The hub: what is in a repository, and the bytes of its files, over huggingface_hub's own session.

That session honours proxies and the offline mode; HF_ENDPOINT and HF_HOME are read when the package is imported.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, RevisionNotFoundError
from huggingface_hub.file_download import get_hf_file_metadata, hf_hub_url
from huggingface_hub.hf_api import HfApi, ModelInfo
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # exported, but not by a word that mypy reads
    build_hf_headers,
    get_session,
    get_token,
    hf_raise_for_status,
)

from app import NAME, VERSION
from app.core.errors import AppError, DownloadBroken, Failure, HubRefused, HubUnreachable
from app.core.text import _
from app.models.keychain import Credentials, Keychain
from app.models.naming import hide_login, no_name
from app.models.refusal import refused

STALL = 30.0
"""Seconds without a byte after which a connection counts as lost; HF_HUB_DOWNLOAD_TIMEOUT sets another number."""
BUSY = (408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529)
"""Answers that are worth another try."""
CLOSED = (401, 403)
RETRY_AFTER_LIMIT = 600.0
"""Seconds; whoever asks for more is asked again before that."""
PROXIES = ("ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
HTTP_PROXY = re.compile(r"https?://|(?!.*://)", re.IGNORECASE)
"""How the address of a proxy that can be used begins, which may have no scheme."""
RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

Answered = TypeVar("Answered")


class Unreached(Exception):
    """The hub did not answer, or asked for patience; the same request may work later."""

    def __init__(self, failure: Failure, after: float | None = None) -> None:
        super().__init__(failure.message)
        self.failure, self.after = failure, after


class CommitGone(Exception):
    """The repository no longer has that commit."""


class RangeRefused(Exception):
    """The file has no bytes where they were asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes of one request for a file."""

    begins: int
    """Which of the file's bytes is the first that comes; -1 where the answer does not say."""
    total: int | None
    """Bytes of the whole file as the answer has it."""
    partial: bool
    chunks: Iterator[bytes]


class Hub:
    """One connection to the hub for one order. Its methods may be called from several threads."""

    def __init__(self, given: str = "") -> None:
        self.endpoint = constants.ENDPOINT
        self.credentials = Credentials(Keychain(self.endpoint), given, _find_other_token)
        self._api = HfApi(endpoint=self.endpoint, token=False, library_name=NAME.lower(), library_version=VERSION)
        self._stall = float(constants.HF_HUB_DOWNLOAD_TIMEOUT if "HF_HUB_DOWNLOAD_TIMEOUT" in os.environ else STALL)

    def describe(self, repository: str, commit: str | None = None) -> ModelInfo:
        """The repository's description with the sizes and hashes of its files."""

        def ask(token: str) -> ModelInfo:
            with self._translated(repository, ""):
                try:
                    return self._api.model_info(
                        repository, revision=commit, timeout=self._stall, files_metadata=True, token=token or False
                    )
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    if isinstance(error, HfHubHTTPError | HFValidationError):
                        raise
                    raise Unreached(_unintelligible().failure()) from error

        return self._ask(repository, ask)

    def measure(self, repository: str, commit: str, name: str) -> tuple[int | None, str]:
        """Size and entity tag of a file that the description says too little of."""

        def ask(token: str) -> tuple[int | None, str]:
            with self._translated(repository, name):
                found = get_hf_file_metadata(
                    hf_hub_url(repository, name, revision=commit), token=token or False, timeout=self._stall
                )
                return found.size, found.etag or ""

        return self._ask(repository, ask)

    def read(self, repository: str, commit: str, name: str, limit: int) -> bytes:
        """A small file's bytes; raises DownloadBroken where there are more than `limit`."""
        content = bytearray()
        with self.open(repository, commit, name) as answer:
            for chunk in answer.chunks:
                content += chunk
                if len(content) > limit:
                    raise DownloadBroken(
                        _("{name} in {repository} is larger than the hub said.").format(
                            name=name, repository=repository
                        ),
                        _("Choose another version of the model."),
                    )
        return bytes(content)

    @contextmanager
    def open(self, repository: str, commit: str, name: str, start: int = 0) -> Iterator[Answer]:
        """The bytes of a file from `start` on, as they come.

        Raises Unreached, also while they come, CommitGone, RangeRefused, HubRefused, TokenNeeded.
        """

        def ask(token: str) -> httpx2.Response:
            with self._translated(repository, name):
                return self._request(hf_hub_url(repository, name, revision=commit), token, start)

        response = self._ask(repository, ask)
        try:
            with self._translated(repository, name):
                yield _read_answer(response)
        finally:
            with suppress(httpx2.HTTPError):
                response.close()

    def _request(self, address: str, token: str, start: int) -> httpx2.Response:
        """Ask for a file. A redirect to another host, such as the one that stores it, loses the token (httpx)."""
        headers = build_hf_headers(token=token or False, library_name=NAME.lower(), library_version=VERSION)
        headers["Accept-Encoding"] = "identity"
        if start:
            headers["Range"] = f"bytes={start}-"
        session = _open_session()
        request = session.build_request("GET", address, headers=headers, timeout=httpx2.Timeout(self._stall))
        response = session.send(request, stream=True, follow_redirects=True)
        try:
            hf_raise_for_status(response)
        except BaseException:
            response.close()
            raise
        return response

    def _ask(self, repository: str, ask: Callable[[str], Answered]) -> Answered:
        """Ask without a token first, and with one after the other as long as the hub refuses."""
        _open_session()
        while True:
            token = self.credentials.token
            try:
                answer = ask(token)
            except _Closed as closed:
                if not self.credentials.move_on(token):
                    raise refused(repository, self.endpoint, self.credentials, closed.error) from closed
            else:
                self.credentials.opened(token)
                return answer

    @contextmanager
    def _translated(self, repository: str, name: str) -> Iterator[None]:
        """Tell what went wrong in the app's own terms."""
        try:
            yield
        except OfflineModeIsEnabled as error:
            raise HubUnreachable(
                _("The hub is not asked while the offline mode is on (HF_HUB_OFFLINE)."),
                _("Switch it off to download models, or choose a model folder that is on the disk."),
                "model.choose",
            ) from error
        except HFValidationError as error:
            raise no_name(repository) from error
        except HfHubHTTPError as error:
            self._judge(error, repository, name)
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.TooManyRedirects) as error:
            raise HubUnreachable(
                _("The hub's address {address} leads nowhere: {why}.").format(
                    address=hide_login(self.endpoint), why=hide_login(str(error))
                ),
                _("Check the environment variables HF_ENDPOINT and HTTPS_PROXY."),
            ) from error
        except httpx2.HTTPError as error:
            raise Unreached(self._unreachable(error).failure()) from error

    def _judge(self, error: HfHubHTTPError, repository: str, name: str) -> NoReturn:
        """Which of our errors an answer stands for."""
        response = error.response
        status, ours = response.status_code, self._is_ours(response)
        if isinstance(error, RevisionNotFoundError):
            raise CommitGone from error
        if status == 416:
            raise RangeRefused from error
        if status in CLOSED and ours and "disabled" not in response.headers.get("X-Error-Message", ""):
            raise _Closed(error) from error
        if status in BUSY or (status in CLOSED and not ours):  # a signed address of the store has run out
            raise Unreached(_busy(status).failure(), _read_pause(response)) from error
        raise _gone(repository, name, status) from error

    def _is_ours(self, response: httpx2.Response) -> bool:
        """Whether the hub itself has answered, not the store that it has sent us on to."""
        ours = httpx2.URL(self.endpoint)
        return (response.url.host, response.url.port) == (ours.host, ours.port)

    def _unreachable(self, error: httpx2.HTTPError) -> HubUnreachable:
        why, address = hide_login(str(error).strip()) or _("no answer"), hide_login(self.endpoint)
        return HubUnreachable(
            _("The hub {address} cannot be reached: {why}.").format(address=urlsplit(address).netloc, why=why),
            _("Check the network. What has arrived is kept, and the download goes on by itself."),
        )


class _Closed(Exception):
    """The hub does not let us in with the token that was sent, or without one."""

    def __init__(self, error: HfHubHTTPError) -> None:
        super().__init__(str(error))
        self.error = error


def _open_session() -> httpx2.Client:
    """The session of all requests; raises HubUnreachable where the environment names a proxy that it cannot use."""
    try:
        return get_session()
    except (ImportError, ValueError, httpx2.InvalidURL) as error:
        set_ones = [name for name in PROXIES if os.environ.get(name)]
        odd = [name for name in set_ones if not HTTP_PROXY.match(os.environ[name])]
        raise HubUnreachable(
            _("The proxy that {variable} names cannot be used.").format(variable=", ".join(odd or set_ones or PROXIES)),
            _("Only HTTP and HTTPS proxies work: write http://host:port there, or take the variable away."),
        ) from error


def _find_other_token() -> str:
    """The token of Hugging Face's own tools: the environment's, or that of the file in HF_HOME."""
    try:
        return get_token() or ""
    except Exception:  # noqa: BLE001 - it may ask services for it; none of their troubles is ours
        return ""


def _read_answer(response: httpx2.Response) -> Answer:
    if response.status_code == 206:
        found = RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        begins = int(found[1]) if found else -1
        total = int(found[2]) if found and found[2] != "*" else None
        return Answer(begins, total, partial=True, chunks=response.iter_raw())
    length = response.headers.get("Content-Length", "")
    return Answer(0, int(length) if length.isdigit() else None, partial=False, chunks=response.iter_raw())


def _read_pause(response: httpx2.Response) -> float | None:
    """Seconds that the hub asks us to wait; a date instead of them is not understood."""
    text = response.headers.get("Retry-After", "").strip()
    return min(float(text), RETRY_AFTER_LIMIT) if text.isdigit() else None


def _busy(status: int) -> HubUnreachable:
    if status == 429:
        message = _("The hub asks for patience: too many requests came from here.")
    else:
        message = _("The hub is in trouble at the moment (it answers {status}).").format(status=status)
    return HubUnreachable(message, _("It is asked again by itself. What has arrived is kept."))


def _gone(repository: str, name: str, status: int) -> AppError:
    hint = _("Check the name on the hub, or choose another model.")
    if status == 404 and name:
        return HubRefused(_("There is no {name} in {repository}.").format(name=name, repository=repository), hint)
    if status == 404:
        return HubRefused(_("There is no model {repository} on the hub.").format(repository=repository), hint)
    what = f"{repository}/{name}" if name else repository
    return HubRefused(_("The hub does not give {what} (it answers {status}).").format(what=what, status=status), hint)


def _unintelligible() -> HubUnreachable:
    return HubUnreachable(
        _("What the hub answers cannot be understood."),
        _("If this network asks you to sign in first, do so in a browser."),
    )
