"""The worker's threads: one reads requests, one counts tokens, one examines folders, the main one owns MLX.

Everything that touches MLX runs on the main thread, because its streams belong to the thread that made
them. The reader thread sets the flags of running requests and ends the process the moment the desktop is
gone.
"""

import os
import queue
import signal
import socket
import sys
import threading
import traceback
from concurrent.futures import Future
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import msgspec

from app.core.errors import AppError, EngineStopped, Failure, ModelBroken
from app.core.lines import Lines, LineTooLong
from app.core.memory import Machine
from app.core.protocol import (
    VERSION,
    AnswerNow,
    Cancel,
    Count,
    Counted,
    Describe,
    Described,
    DropPrefixes,
    Estimate,
    Examine,
    Examined,
    Failed,
    Forget,
    Generate,
    Hello,
    Load,
    Loaded,
    Loading,
    Prewarm,
    Shutdown,
    Steer,
    Sweep,
    TokenizerReady,
    Welcome,
    decode_command,
)
from app.core.text import _
from app.weights.folder import examine
from app.worker.link import EXIT_GONE, Link
from app.worker.ticket import Recall, Survey, Ticket, WarmTicket
from app.worker.tokens import Tokens

if TYPE_CHECKING:
    from app.worker.resident import Resident

Aside = Count | Estimate | Examine | Forget | Sweep | DropPrefixes
Job = Load | Describe | Survey | Ticket | WarmTicket | Recall | Forget | Sweep | DropPrefixes

EXIT_BUG, EXIT_GARBAGE, EXIT_VERSION = 1, 3, 4
PATIENCE = 1.0
"""Seconds that the MLX thread has to come to an end after `Shutdown`."""


class Worker:
    """One model's process, from its first line to its end."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._work: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._beside: queue.SimpleQueue[Aside] = queue.SimpleQueue()
        self._examinations: queue.SimpleQueue[Aside] = queue.SimpleQueue()
        """Apart from what is counted, because a vocabulary takes a second to read."""
        self._machine: Future[Machine] = Future()
        """Set by the thread that owns MLX, before anything that takes long."""
        self._tickets: WeakValueDictionary[int, Ticket | WarmTicket] = WeakValueDictionary()
        """The requests that wait or run; one that is over leaves by itself."""
        self._tokens: Tokens | None = None
        self._resident: Resident | None = None

    def serve(self) -> None:
        """Work until `Shutdown`; called on the thread that owns MLX."""
        threading.Thread(target=self._listen, name="reader", daemon=True).start()
        for name, asked in (("counter", self._beside), ("examiner", self._examinations)):
            threading.Thread(target=self._serve_beside, args=(asked,), name=name, daemon=True).start()
        while (job := self._next()) is not None:
            request = job.command.request if isinstance(job, Ticket | WarmTicket) else None
            try:
                self._do(job)
            except AppError as error:
                if error.__cause__:
                    traceback.print_exception(error.__cause__)  # the sentence for people leaves it out
                self._link.send(Failed(error.failure(), request))
            except Exception as error:  # noqa: BLE001 - the edge of the process: the chat must hear of it
                traceback.print_exc()
                failure = _explain_load(error) if isinstance(job, Load) else _explain_answer()
                self._link.send(Failed(failure, request))
            del job
        if self._resident:
            try:
                self._resident.close()
            except Exception:  # noqa: BLE001 - what could not be saved is computed again
                traceback.print_exc()

    # the reader thread ---------------------------------------------------------------------------

    def _listen(self) -> None:
        lines = Lines()
        try:
            while data := self._link.receive():
                for line in lines.feed(data):
                    self._hear(line)
            os._exit(EXIT_GONE)
        except (msgspec.DecodeError, LineTooLong):
            traceback.print_exc()
            os._exit(EXIT_GARBAGE)
        finally:  # a reader that died of a bug would leave a worker that nobody can end
            traceback.print_exc()
            os._exit(EXIT_BUG)

    def _hear(self, line: bytes) -> None:
        command = decode_command(line)
        match command:
            case Hello(theirs):
                self._link.send(Welcome(VERSION, os.getpid()))
                if theirs != VERSION:
                    os._exit(EXIT_VERSION)
            case Count() | Estimate():
                self._beside.put(command)
            case Examine():
                self._examinations.put(command)
                self._work.put(Survey())
            case Generate(request):
                self._tickets[request] = ticket = Ticket(command)
                self._work.put(ticket)
            case Prewarm(request):
                self._tickets[request] = warm = WarmTicket(command)
                self._work.put(warm)
            case Cancel(request) | AnswerNow(request) | Steer(request):
                if running := self._tickets.get(request):
                    running.heed(command)
            case Forget() | Sweep() | DropPrefixes():
                self._beside.put(command)
                self._work.put(command)
            case Shutdown():
                self._shut_down()
            case _:
                self._work.put(command)

    def _shut_down(self) -> None:
        for ticket in list(self._tickets.values()):
            ticket.cancelled = True
        self._work.put(None)
        impatience = threading.Timer(PATIENCE, os._exit, (EXIT_GONE,))
        impatience.daemon = True
        impatience.start()

    # the counting and the examining thread -------------------------------------------------------

    def _serve_beside(self, asked: "queue.SimpleQueue[Aside]") -> None:
        """Do what needs no MLX apart from reading, so that a stop is heard while a book is being counted."""
        while True:
            command = asked.get()
            try:
                self._do_beside(command)
            except AppError as error:
                self._fail_beside(command, error.failure())
            except Exception as error:  # noqa: BLE001 - a number is never worth the worker's life
                traceback.print_exc()
                failure = _explain_load(error) if isinstance(command, Examine) else _explain_answer()
                self._fail_beside(command, failure)

    def _fail_beside(self, command: Aside, failure: Failure) -> None:
        if isinstance(command, Count | Estimate | Examine):
            self._link.send(Failed(failure, command.request))

    def _do_beside(self, command: Aside) -> None:
        tokens, resident = self._tokens, self._resident
        match command:
            case Count(request, texts) if tokens:
                self._link.send(Counted(request, [len(tokens.encode(text)) for text in texts]))
            case Estimate() if resident:
                estimated, recall = resident.estimate(command)
                self._link.send(estimated)
                if recall:
                    self._work.put(recall)
            case Examine(request):
                from app.worker.examination import examine_folder

                self._link.send(Examined(request, examine_folder(command, self._machine.result())))
            case Count() | Estimate():
                raise EngineStopped(_("The model is not loaded yet."))
            case _ if resident:
                resident.delete(command)

    # the MLX thread ------------------------------------------------------------------------------

    def _next(self) -> Job | None:
        """The next job; while there is none, small things that nobody waits for."""
        while True:
            try:
                return self._work.get_nowait()
            except queue.Empty:
                if not (self._resident and self._resident.step()):
                    return self._work.get()

    def _do(self, job: Job) -> None:
        self._survey()
        match job:
            case Load():
                self._load(job)
            case Describe():
                self._describe()
            case Survey():
                pass
            case Ticket():
                self._need_resident().answer(job)
            case WarmTicket():
                self._need_resident().warm(job)
            case Recall() if self._resident:
                self._resident.recall(job)
            case Forget() | Sweep() | DropPrefixes():
                if self._resident:  # else there is nothing in memory, and the next start sweeps the disk
                    self._resident.forget(job)

    def _survey(self) -> None:
        """Look at the machine once, for those who may not ask MLX themselves."""
        if self._machine.done():
            return
        from app.worker.machine import describe_machine

        try:
            self._machine.set_result(describe_machine())
        except Exception as error:  # noqa: BLE001 - whoever needs the machine gets it again
            self._machine.set_exception(error)

    def _need_resident(self) -> "Resident":
        if self._resident is None:
            raise EngineStopped(_("No model is loaded."), _("Choose a model, then ask again."), "model.choose")
        return self._resident

    def _load(self, command: Load) -> None:
        if self._resident:
            self._resident.close()
        self._resident = self._tokens = None  # an earlier model leaves before the next one comes
        folder = Path(command.folder) if command.folder else self._find_starter(Path(command.data))
        self._link.send(Loading("tokenizer", 0, 1))
        files = examine(folder)
        self._tokens = tokens = Tokens(folder)
        self._link.send(TokenizerReady())
        self._link.send(Loading("weights", 0, files.shape.layers + 1))

        # Imported here: mlx_lm takes seconds, and until then tokens are counted already.
        from app.worker.resident import Resident

        self._resident = Resident(command, files, tokens, self._link.send, lambda: not self._work.empty())
        self._link.send(Loaded(self._resident.card))
        self._resident.greet()

    def _describe(self) -> None:
        from app.worker.machine import describe_machine
        from app.worker.starter import find_gguf

        self._link.send(Described(describe_machine(), version("mlx"), find_gguf() is not None))

    def _find_starter(self, data: Path) -> Path:
        import mlx.core as mx

        from app.worker.starter import find_starter

        device = "cpu" if mx.default_device() == mx.cpu else "gpu"
        return find_starter(data, device, lambda done, total: self._link.send(Loading("starter", done, total)))


def _explain_load(error: Exception) -> Failure:
    """A disk that is full or gone says so itself; anything else is in the log."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else _("the log of the engine says why")
    return ModelBroken(
        _("The model could not be loaded: {why}.").format(why=why),
        _("Choose another model, or free some disk space and try again."),
        "model.choose",
    ).failure()


def _explain_answer() -> Failure:
    return EngineStopped(
        _("The engine could not finish this answer."),
        _("Try again. If it happens again, the log of the engine says why."),
        "chat.retry",
    ).failure()


def run(descriptor: int) -> int:
    """Serve the desktop at the other end of an inherited socket, then end the process.

    Ctrl+C in a terminal reaches every process there; what it means is for the desktop to say.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=descriptor) as sock:
        Worker(Link(sock)).serve()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(EXIT_GONE)  # nothing is left to tear down but threads in the middle of a call
