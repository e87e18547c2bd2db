"""One worker from its start to its end: a thread starts it and listens, another one sends."""

import logging
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from app.core.errors import EngineStopped, Failure, StoreFailed
from app.core.lines import Lines, LineTooLong
from app.core.owner import Owner
from app.core.places import Places
from app.core.protocol import VERSION, Command, Event, Hello, Load, Shutdown, Welcome, decode_event, encode
from app.core.text import _
from app.engine.lock import Lock
from app.engine.spawn import spawn_worker

RECEIVE = 1 << 16
LOCK_RETRY = 0.3
"""Seconds between two looks at a lock that another process holds."""
PATIENCE = 1.5
"""Seconds that a worker has to end by itself once it is told to."""
EXIT_SECONDS = 0.5
"""Seconds that a worker which has hung up may take to be gone."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineWaits:
    """Another process runs the engine of this data folder; it is tried again."""

    holder: Owner


@dataclass(frozen=True, slots=True)
class EngineEnded:
    """A worker ended, or could not be started."""

    failure: Failure


Say = Callable[[Event | EngineWaits | EngineEnded], None]


class Life:
    """One worker. It begins when its predecessor is gone and the data folder's engine is free."""

    def __init__(self, places: Places, lock: Lock, worker: Sequence[str] | None, load: Load) -> None:
        self._places, self._lock, self._worker, self._load = places, lock, worker, load
        self._before: Life | None = None
        self._say: Say = lambda _event: None
        self._listener = threading.Thread(target=self._run, name="engine", daemon=True)
        self._ending = threading.Event()
        self._deadline = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self.outgoing: queue.SimpleQueue[Command | None] = queue.SimpleQueue()

    @property
    def pid(self) -> int | None:
        """The worker's process id while there is one."""
        return self._process.pid if self._process else None

    def begin(self, before: "Life | None", say: Say) -> None:
        """End the predecessor, then start; returns at once. `say` is called from the life's own thread."""
        self._before, self._say = before, say
        if before:
            before.end()
        self._listener.start()

    def end(self) -> None:
        """Ask the worker to end; `join` sees to it that it does."""
        if not self._ending.is_set():
            self._deadline = time.monotonic() + PATIENCE
            self._ending.set()
            self.outgoing.put(Shutdown())
            self.outgoing.put(None)

    def join(self) -> None:
        """Wait for the end, and kill a worker that does not hear. `end` comes first."""
        self._listener.join(max(0.0, self._deadline - time.monotonic()))
        while self._listener.is_alive():
            if process := self._process:  # absent for a moment while it is being started
                process.kill()
            self._listener.join(0.1)

    def _run(self) -> None:
        if self._before:
            self._before.join()
            self._before = None
        failure = None
        try:
            if self._take_lock():
                failure = self._serve()
        except OSError as error:
            failure = self._explain(error)
        except Exception:
            log.exception("the engine's thread went wrong")
            failure = _stopped(_("The engine stopped."))
        finally:
            self._lock.release()
        if failure:
            self._say(EngineEnded(failure))

    def _take_lock(self) -> bool:
        """Wait until the lock is ours; False where the life is ended before that."""
        told: Owner | None = None
        while (holder := self._lock.acquire()) is not None:
            if holder.pid and holder != told:
                told = holder
                self._say(EngineWaits(holder))
            if self._ending.wait(LOCK_RETRY):
                return False
        return not self._ending.is_set()

    def _serve(self) -> Failure:
        """Start the worker and listen until it ends; what to tell a user who did not ask for that."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._process = process = spawn_worker(self._worker, theirs.fileno(), self._places.worker_log)
            sender = threading.Thread(target=self._send_all, args=(ours,), name="engine-sender", daemon=True)
            sender.start()
            failure = _stopped(_("The engine stopped."))
            try:
                self._listen(ours)
                process.wait(EXIT_SECONDS)
            except _Unintelligible as error:
                failure = _stopped(str(error))
            except subprocess.TimeoutExpired:
                log.warning("the engine hung up and did not end")
            finally:
                # A dead worker's socket gives the sender an error, never a wait.
                process.kill()
                process.wait()
                self.outgoing.put(None)
                sender.join()
                self._process = None
        return failure

    def _send_all(self, sock: socket.socket) -> None:
        try:
            sock.sendall(encode(Hello(VERSION)) + b"\n" + encode(self._load) + b"\n")
            while (command := self.outgoing.get()) is not None:
                sock.sendall(encode(command) + b"\n")
        except OSError:
            return  # the worker is gone; the listener says so
        except Exception:
            log.exception("a command could not be sent to the engine")
            sock.shutdown(socket.SHUT_RDWR)  # better an end that is told than an engine that waits for ever

    def _listen(self, sock: socket.socket) -> None:
        """Pass on every event until the worker hangs up; raises _Unintelligible."""
        lines = Lines()
        try:
            while data := sock.recv(RECEIVE):
                for line in lines.feed(data):
                    event = decode_event(line)
                    if isinstance(event, Welcome) and event.version != VERSION:
                        raise _Unintelligible(_("The engine is of another version of the app."))
                    self._say(event)
        except (msgspec.DecodeError, LineTooLong) as error:
            raise _Unintelligible(
                _("The engine said something that the app does not understand and was ended.")
            ) from error
        except OSError:
            return  # it was killed in the middle of a line

    def _explain(self, error: OSError) -> Failure:
        """Why there is no worker: the folder with its lock and log, or the program itself."""
        why = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error
        message = _("The engine could not be started: {why}.").format(why=why)
        if str(error.filename).startswith(str(self._places.root)):
            hint = _("Check that the folder {folder} can be written.").format(folder=self._places.root)
            return StoreFailed(message, hint, "engine.restart").failure()
        return EngineStopped(
            message, _("If trying again does not help, install the app again."), "engine.restart"
        ).failure()


class _Unintelligible(Exception):
    """The worker does not speak the protocol, or another version of it."""


def _stopped(message: str) -> Failure:
    hint = _("The text so far is kept. Try again when the engine is back.")
    return EngineStopped(message, hint, "engine.restart").failure()
