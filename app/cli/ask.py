"""`ask`: one question, its thought dimmed, its answer plain; kept as a chat like any other.

The answer goes to standard output, everything else to standard error.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from app.chat.changes import (
    Change,
    EngineChanged,
    EngineState,
    EngineView,
    MessageChanged,
    Noticed,
    Phase,
    ProgressChanged,
    TextAppended,
)
from app.chat.desk import Desk
from app.chat.opening import open_desk
from app.cli.beside import ask_window, knock
from app.cli.ending import FRAME, STOPPED, interrupts, status_of
from app.cli.page import Page
from app.cli.wish import Wish, read_wish
from app.core.errors import AppError
from app.core.messages import Message, State
from app.core.places import Places
from app.store.files import check_folder


def ask(arguments: argparse.Namespace, root: Path) -> int:
    """Ask, show, keep; the exit status. Raises AppError with what to do."""
    wish = read_wish(arguments)
    page = Page(json=arguments.json)
    check_folder(root)
    while guest := knock(Places(root), with_model=arguments.model is not None):
        status = ask_window(guest, page, wish)
        if status is not None:
            return status
        time.sleep(FRAME)  # the window was closing and never took the question
    return _ask_here(root, page, wish, arguments.model)


def _ask_here(root: Path, page: Page, wish: Wish, model: Path | None) -> int:
    """Answer with an engine of our own."""
    desk = open_desk(root, "ask")
    listener = _Listener(page)
    desk.listener = listener.hear
    try:
        with interrupts() as seen:
            desk.start_engine(None if model is None else str(model.absolute()))
            _drain_until(desk, lambda: bool(desk.opened or listener.over or seen))
            if (typing := wish.typing) and not typing.poll():
                desk.set_keep_thoughts(wish.keep_thoughts)
                desk.attach(wish.documents, wish.options)
                _drain_until(desk, lambda: bool(typing.poll() or listener.over or seen))
            if desk.opened and not listener.over and not seen:
                _begin(desk, wish)
                _drain_until(desk, lambda: bool(listener.over or seen))
            if desk.conversation.running and not listener.over:
                desk.stop()
                _drain_until(desk, lambda: listener.over)
    finally:
        desk.close()
    return listener.close()


def _begin(desk: Desk, wish: Wish) -> None:
    """Ask, or go on with an answer; raises UsageError where there is nothing to ask or to go on with."""
    if wish.resume is None:
        desk.set_keep_thoughts(wish.keep_thoughts)
        desk.send(wish.question, [] if desk.conversation.attached else wish.documents, wish.options)
        return
    chat = wish.resume or next((session.id for session in desk.sessions), None)
    if chat:
        desk.open_session(chat)
    desk.resume_in(chat, wish.options)


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
            case ProgressChanged(_session, progress) if progress.phase is Phase.READING:
                self._page.read(progress.read, progress.to_read, progress.seconds_left)
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
        elif view.state is EngineState.STOPPED and view.failure and self._ending is None:
            self._failed = AppError.of(view.failure)  # a window would offer to start it again
