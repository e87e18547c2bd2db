"""`ask`: one question, its thought dimmed, its answer plain; kept as a chat like any other.

Beside an open window the question goes through that window's socket, because one data folder has one
engine. The answer goes to standard output, everything else to standard error.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from app.chat.answering import Options
from app.chat.attach import attach
from app.chat.changes import Change, EngineChanged, EngineState, EngineView, MessageChanged, Noticed, TextAppended
from app.chat.desk import Desk
from app.chat.opening import name_window, open_desk
from app.cli.page import Page
from app.core.door import Ask, Document, Ended, Heard, Interrupt, Refused, Said
from app.core.errors import AppError, EngineHeld, EngineStopped, UsageError
from app.core.messages import Message, Part, State
from app.core.owner import Owner
from app.core.places import Places
from app.core.text import _, mend
from app.engine.door import Guest
from app.engine.lock import Lock, this_process
from app.store.files import check_folder

FRAME = 0.05
DOOR_SECONDS = 5.0
"""How long a window that just starts may take to open its door."""
STOPPED = 130
"""Exit status after Ctrl+C, as shells have it."""


def ask(arguments: argparse.Namespace, root: Path) -> int:
    """Ask, show, keep; the exit status. Raises AppError with what to do."""
    question = mend(sys.stdin.read() if arguments.question == "-" else arguments.question)
    if not question.strip():
        raise UsageError(_("There is no question."), _('Type it in quotation marks: ask "What is 7 times 8?"'))
    documents = [attach(path) for path in arguments.file]
    options = Options(thinking_budget=arguments.think, seed=arguments.seed)
    page = Page(json=arguments.json)
    check_folder(root)
    while guest := _knock(Places(root), with_model=arguments.model is not None):
        status = _ask_window(guest, page, question, documents, options)
        if status is not None:
            return status
        time.sleep(FRAME)  # the window was closing and never took the question
    return _ask_here(root, page, question, documents, options, arguments.model)


def _ask_here(
    root: Path, page: Page, question: str, documents: list[Part], options: Options, model: Path | None
) -> int:
    """Answer with an engine of our own."""
    desk = open_desk(root, "ask")
    listener = _Listener(page)
    desk.listener = listener.hear
    try:
        with _interrupts() as interrupts:
            desk.start_engine(None if model is None else str(model.absolute()))
            _drain_until(desk, lambda: bool(desk.opened or listener.over or interrupts))
            if desk.opened and not listener.over and not interrupts:
                desk.send(question, documents, options)
                _drain_until(desk, lambda: bool(listener.over or interrupts))
            if desk.conversation.running and not listener.over:
                desk.stop()
                _drain_until(desk, lambda: listener.over)
    finally:
        desk.close()
    return listener.close()


def _drain_until(desk: Desk, condition: Callable[[], bool]) -> None:
    """Fold in what comes until the condition holds."""
    while not condition():
        desk.inbox.wait(FRAME)
        desk.drain()


class _Listener:
    """Hears the desk for a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._ending: Message | None = None
        self._failed: AppError | BrokenPipeError | None = None

    @property
    def over(self) -> bool:
        """Whether the answer is kept, or nothing more can come."""
        return self._ending is not None or self._failed is not None

    def hear(self, change: Change) -> None:
        """Show one change, while somebody reads."""
        if not isinstance(self._failed, BrokenPipeError):
            try:
                self._show(change)
            except BrokenPipeError as error:
                self._failed = error

    def _show(self, change: Change) -> None:
        match change:
            case TextAppended(_session, _message, kind, text):
                self._page.write(kind, text)
            case EngineChanged(view):
                self._see(view)
            case MessageChanged(message) if message.state is not State.RUNNING:
                self._ending = message
            case Noticed(failure, unsaved):
                if unsaved:
                    self._failed = AppError.of(failure)
                else:
                    self._page.note(f"{failure.message} {failure.hint}")
            case _:
                pass

    def close(self) -> int:
        """Finish the page; the exit status. Raises what kept the question from being answered."""
        if self._failed:
            raise self._failed
        message = self._ending
        if message is None:
            return STOPPED
        facts = message.generation
        if facts and facts.failure and not message.parts:
            raise AppError.of(facts.failure)
        self._page.end(message.session, message.state, message.reasoning, message.text, facts)
        return status_of(message.state)

    def _see(self, view: EngineView) -> None:
        if view.state is EngineState.LOADING:
            self._page.progress(view.stage, view.done, view.total)
        elif view.state is EngineState.WAITING and view.failure:
            self._page.note(f"{view.failure.message} {view.failure.hint}")
        elif view.state is EngineState.STOPPED and view.failure:
            self._failed = AppError.of(view.failure)  # a window would offer to start it again


def _ask_window(guest: Guest, page: Page, question: str, documents: list[Part], options: Options) -> int | None:
    """Have the open window answer; None where it closes before it takes the question."""
    talk = _Talk(guest, page)
    ending = None
    try:
        with _interrupts() as interrupts, suppress(OSError):
            ending = talk.ask(_request(question, documents, options), interrupts)
    except msgspec.DecodeError as error:
        raise EngineHeld(
            _("The open window is of another version of the app."), _("Close it and start it again.")
        ) from error
    finally:
        guest.leave()
    if ending is None and not talk.heard:
        return STOPPED if interrupts else None
    if ending is None:
        raise EngineStopped(_("The window closed before the answer was complete."), _("What it wrote is kept there."))
    page.end(ending.session, ending.state, ending.reasoning, ending.answer, ending.generation)
    return status_of(ending.state)


class _Talk:
    """A question through the open window."""

    def __init__(self, guest: Guest, page: Page) -> None:
        self._guest, self._page = guest, page
        self.heard = False
        """Whether the window has taken the question."""

    def ask(self, request: Ask, interrupts: list[int]) -> Ended | None:
        """Show what the window says, and tell it of Ctrl+C; None where it leaves before the end."""
        stopping = False
        self._guest.say(request)
        for reply in self._guest.hear(FRAME):
            if interrupts and not stopping:
                stopping = True
                self._guest.say(Interrupt())
            match reply:
                case Heard(waits):
                    self.heard = True
                    if waits:
                        self._page.note(_("The window is answering; your question waits for its turn."))
                case Said(parts):
                    for part in parts:
                        self._page.write(part.kind, part.text)
                case Ended():
                    return reply
                case Refused(failure):
                    raise AppError.of(failure)
        return None


def _request(question: str, documents: list[Part], options: Options) -> Ask:
    named = [Document(mend(part.name), part.text) for part in documents]
    return Ask(question, named, options.thinking_budget, options.seed)


def _knock(places: Places, *, with_model: bool) -> Guest | None:
    """Our place at an open window's door, None where no window is open; raises EngineHeld where it is shut."""
    lock = Lock(places.window_lock, this_process("ask"))
    deadline = time.monotonic() + DOOR_SECONDS
    while (holder := lock.holder()) is not None:
        if with_model:
            raise _held(holder, _("Close it to ask another model, or leave --model out to ask the model it has."))
        with suppress(OSError):
            return Guest(places.door)
        if time.monotonic() > deadline:
            raise _held(holder, _("It does not answer; close it and ask again."))
        time.sleep(FRAME)
    return None


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Ctrl+C stops the answer and keeps it; a second one ends at once."""
    seen: list[int] = []

    def remember(number: int, _frame: object) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def status_of(state: str) -> int:
    """The exit status that a state stands for."""
    return {State.DONE: 0, State.STOPPED: STOPPED}.get(State(state), 1)


def _held(holder: Owner, hint: str) -> EngineHeld:
    return EngineHeld(_("{holder} holds the engine.").format(holder=name_window(holder)), hint)
