"""The worker's two threads: one reads requests and counts tokens, the main one owns MLX.

Everything that touches MLX runs on the main thread, because its streams belong to the thread that made
them. The reader thread answers `Count` itself, sets the flags of running requests, and ends the process
the moment the desktop is gone.
"""

import os
import queue
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from app.core.errors import AppError, EngineStopped, Failure, ModelBroken
from app.core.lines import Lines, LineTooLong
from app.core.protocol import (
    VERSION,
    AnswerNow,
    Cancel,
    Count,
    Counted,
    Describe,
    Described,
    Failed,
    Generate,
    Hello,
    Load,
    Loaded,
    Loading,
    ModelCard,
    Shutdown,
    TokenizerReady,
    Welcome,
    decode_command,
)
from app.core.releases import release
from app.core.text import _
from app.worker.link import EXIT_GONE, Link
from app.worker.ticket import Ticket
from app.worker.tokens import Tokens

EXIT_BUG, EXIT_GARBAGE, EXIT_VERSION = 1, 3, 4
PATIENCE = 1.0
"""Seconds that the MLX thread has to come to an end after `Shutdown`."""


class Worker:
    """One model's process, from its first line to its end."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._work: queue.SimpleQueue[Load | Describe | Ticket | None] = queue.SimpleQueue()
        self._tickets: WeakValueDictionary[int, Ticket] = WeakValueDictionary()
        """The requests that wait or run; one that is over leaves by itself."""
        self._tokens: Tokens | None = None
        self._answer: Callable[[Ticket], None] | None = None

    def serve(self) -> None:
        """Work until `Shutdown`; called on the thread that owns MLX."""
        threading.Thread(target=self._listen, name="reader", daemon=True).start()
        while (job := self._work.get()) is not None:
            request = job.command.request if isinstance(job, Ticket) else None
            try:
                match job:
                    case Load():
                        self._load(job)
                    case Describe():
                        self._describe()
                    case Ticket():
                        self._generate(job)
            except AppError as error:
                if error.__cause__:
                    traceback.print_exception(error.__cause__)  # the sentence for people leaves it out
                self._link.send(Failed(error.failure(), request))
            except Exception as error:  # noqa: BLE001 - the edge of the process: the chat must hear of it
                traceback.print_exc()
                failure = _explain_answer() if isinstance(job, Ticket) else _explain_load(error)
                self._link.send(Failed(failure, request))
            del job

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
            case Count(request, texts):
                self._count(request, texts)
            case Generate(request):
                self._tickets[request] = ticket = Ticket(command)
                self._work.put(ticket)
            case Cancel(request):
                if running := self._tickets.get(request):
                    running.cancelled = True
            case AnswerNow(request):
                if running := self._tickets.get(request):
                    running.answer_now = True
            case Load() | Describe():
                self._work.put(command)
            case Shutdown():
                for ticket in list(self._tickets.values()):
                    ticket.cancelled = True
                self._work.put(None)
                impatience = threading.Timer(PATIENCE, os._exit, (EXIT_GONE,))
                impatience.daemon = True
                impatience.start()

    def _count(self, request: int, texts: list[str]) -> None:
        if self._tokens is None:
            self._link.send(Failed(EngineStopped(_("The model is not loaded yet.")).failure(), request))
            return
        self._link.send(Counted(request, [len(self._tokens.encode(text)) for text in texts]))

    # the MLX thread ------------------------------------------------------------------------------

    def _load(self, command: Load) -> None:
        from app.worker.folder import examine

        self._answer = self._tokens = None  # an earlier model leaves before the next one comes
        folder = Path(command.folder) if command.folder else self._find_starter(Path(command.data))
        self._link.send(Loading("tokenizer", 0, 1))
        files = examine(folder)
        self._tokens = Tokens(folder)
        self._link.send(TokenizerReady())
        self._link.send(Loading("weights", 0, files.shape.layers + 1))

        # Imported here: mlx_lm takes seconds, and until then tokens are counted already.
        from app.worker import model as loader
        from app.worker.generation import Generator
        from app.worker.layout import choose_layout
        from app.worker.machine import describe_machine
        from app.worker.prefix import Live

        layout = choose_layout(self._tokens, folder)
        machine = describe_machine()
        planned = loader.check_fit(files, machine, command.context)
        model = loader.load(files, machine, lambda done, total: self._link.send(Loading("weights", done, total)))
        empty_tokens, turn_tokens = layout.overhead()
        card = ModelCard(
            name=release("starter").label if layout.release.key == "starter" else folder.name,
            folder=str(folder),
            fingerprint=files.fingerprint,
            release=layout.release.key,
            architecture=files.architecture,
            bits=files.bits,
            weights_bytes=files.shape.weights,
            cache_bytes_per_token=files.shape.cache_per_token(files.element_bytes),
            context=planned.context,
            empty_tokens=empty_tokens,
            turn_tokens=turn_tokens,
            machine=machine,
        )
        self._answer = Generator(Live(model), layout, card, self._link.send).answer
        self._link.send(Loaded(card))

    def _describe(self) -> None:
        from app.worker.machine import describe_machine
        from app.worker.starter import find_gguf

        self._link.send(Described(describe_machine(), version("mlx"), find_gguf() is not None))

    def _find_starter(self, data: Path) -> Path:
        import mlx.core as mx

        from app.worker.starter import find_starter

        device = "cpu" if mx.default_device() == mx.cpu else "gpu"
        return find_starter(data, device, lambda done, total: self._link.send(Loading("starter", done, total)))

    def _generate(self, ticket: Ticket) -> None:
        if self._answer is None:
            raise EngineStopped(_("No model is loaded."), _("Choose a model, then ask again."), "model.choose")
        self._answer(ticket)


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
