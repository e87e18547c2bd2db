"""The desktop's end of a fetcher: starts it, gives it its one order, hears how it goes, ends it."""

import logging
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from app.core.errors import DownloadBroken, Failure
from app.core.fetching import Completed, Listed, Order, Refused, Report, Verified, decode_report, encode
from app.core.lines import Lines, LineTooLong
from app.core.roles import FETCHER, SOURCE, role_command
from app.core.text import _

LAST = Listed | Verified | Completed | Refused
"""After one of these nothing more is said."""
EXIT_SECONDS = 5.0
"""Seconds that a fetcher which has said its last word may take to be gone."""

log = logging.getLogger(__name__)


class Fetcher:
    """One fetcher process for one order."""

    def __init__(
        self,
        order: Order,
        say: Callable[[Report], None],
        other: Sequence[str] | None = None,
        log_file: Path | None = None,
    ) -> None:
        """`say` is called from the fetcher's own thread, last with Listed, Verified, Completed or Refused.

        `other` is another program that speaks the same protocol; it gets the socket's number as last argument.
        """
        self._order, self._say, self._other, self._log_file = order, say, other, log_file
        self._listener = threading.Thread(target=self._run, name="fetcher", daemon=True)
        self._lock = threading.RLock()
        self._ended = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while there is one."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process and give it its order; returns at once."""
        self._listener.start()

    def end(self) -> None:
        """End the process at once: what has arrived is on the disk. `say` is not called any more."""
        with self._lock:
            self._ended = True
            if self._process:
                self._process.kill()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the process is gone and nothing more is said; whether it is."""
        if self._listener.ident is None:  # never started
            return True
        self._listener.join(timeout)
        return not self._listener.is_alive()

    def _run(self) -> None:
        try:
            last = self._serve()
        except OSError as error:
            last = Refused(_stopped(_("The fetcher could not be started: {why}.").format(why=error.strerror or error)))
        except Exception:
            log.exception("the fetcher's thread went wrong")
            last = Refused(_stopped(_("The download came to a stop.")))
        self._tell(last)

    def _serve(self) -> Report:
        """Start the process and pass on what it says; its last word, or ours where it has none."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs, self._lock:
                if self._ended:
                    return Refused(_stopped(""))
                self._process = process = self._spawn(theirs.fileno())
            try:
                ours.sendall(encode(self._order) + b"\n")
                last = self._listen(ours)
                process.wait(EXIT_SECONDS)
            except (BrokenPipeError, ConnectionResetError):
                last = None
            except subprocess.TimeoutExpired:
                log.warning("the fetcher said its last word and did not end")
            finally:
                with self._lock:
                    process.kill()
                    process.wait()
                    self._process = None
        return last or Refused(_stopped(_("The download came to a stop.")))

    def _spawn(self, descriptor: int) -> subprocess.Popen[bytes]:
        if self._log_file:
            self._log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        output = os.open(self._log_file or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            return subprocess.Popen(
                [*self._other, str(descriptor)] if self._other else role_command(FETCHER, descriptor),
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                cwd=SOURCE,
                env=fetcher_environment(),
                process_group=0,  # Ctrl+C in the terminal is for us, who then end it
            )
        finally:
            os.close(output)

    def _listen(self, sock: socket.socket) -> Report | None:
        """Pass on every report but the last, which is given back; None where there is none."""
        lines = Lines()
        try:
            while data := sock.recv(1 << 16):
                for line in lines.feed(data):
                    report = decode_report(line)
                    if isinstance(report, LAST):
                        return report
                    self._tell(report)
        except (msgspec.DecodeError, LineTooLong):
            log.exception("the fetcher said something that is not understood")
        return None

    def _tell(self, report: Report) -> None:
        with self._lock:
            if not self._ended:
                self._say(report)


def fetcher_environment() -> dict[str, str]:
    """Our environment with all that names hubs, proxies and certificates, without what changes how Python runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") or "KEYRING" in name}
    return {**kept, "PYTHONUNBUFFERED": "1"}


def _stopped(message: str) -> Failure:
    return DownloadBroken(message, _("What has arrived is kept. Try again.")).failure()
