"""`ask` beside an open window: the question goes through that window's door, because one folder has one engine."""

import time
from contextlib import suppress

import msgspec

from app.chat.opening import name_window
from app.cli.ending import FRAME, STOPPED, interrupts, status_of
from app.cli.page import Page
from app.cli.wish import Wish
from app.core.door import Ask, Document, Ended, Heard, Interrupt, Prepare, Reads, Refused, Request, Resume, Said
from app.core.errors import AppError, EngineHeld, EngineStopped
from app.core.messages import Part
from app.core.owner import Owner
from app.core.places import Places
from app.core.text import _, mend
from app.engine.door import Guest
from app.engine.lock import Lock, this_process

DOOR_SECONDS = 5.0
"""How long a window that just starts may take to open its door."""


def knock(places: Places, *, with_model: bool) -> Guest | None:
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


def ask_window(guest: Guest, page: Page, wish: Wish) -> int | None:
    """Have the open window answer; None where it closes before it takes the question."""
    talk = _Talk(guest, page)
    ending = None
    try:
        with interrupts() as seen, suppress(OSError):
            ending = talk.ask(wish, seen)
    except msgspec.DecodeError as error:
        raise EngineHeld(
            _("The open window is of another version of the app."), _("Close it and start it again.")
        ) from error
    finally:
        guest.leave()
    if ending is None and not talk.heard:
        return STOPPED if seen else None
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

    def ask(self, wish: Wish, seen: list[int]) -> Ended | None:
        """Show what the window says, and tell it of Ctrl+C; None where it leaves before the end."""
        if wish.typing and not wish.typing.poll():
            options = wish.options
            documents = _documents(wish.documents)
            self._guest.say(Prepare(documents, options.thinking_budget, options.seed, wish.keep_thoughts))
            while not wish.typing.poll():
                if seen:
                    return None
                time.sleep(FRAME)
        self._guest.say(_request(wish))
        return self._listen(seen)

    def _listen(self, seen: list[int]) -> Ended | None:
        stopping = False
        for reply in self._guest.hear(FRAME):
            if seen and not stopping:
                stopping = True
                self._guest.say(Interrupt())
            match reply:
                case Heard(waits):
                    self.heard = True
                    if waits:
                        self._page.note(_("The window is answering; your question waits for its turn."))
                case Reads(done, total, seconds_left):
                    self._page.read(done, total, seconds_left)
                case Said(parts):
                    for part in parts:
                        self._page.write(part.kind, part.text)
                case Ended():
                    return reply
                case Refused(failure):
                    raise AppError.of(failure)
        return None


def _request(wish: Wish) -> Request:
    options = wish.options
    if wish.resume is not None:
        return Resume(wish.resume or None, options.drawing)
    return Ask(
        question=wish.question,
        documents=_documents(wish.documents),
        thinking_budget=options.thinking_budget,
        seed=options.seed,
        drawing=options.drawing,
        keep_thoughts=wish.keep_thoughts,
    )


def _documents(parts: list[Part]) -> list[Document]:
    return [Document(mend(part.name), part.text) for part in parts]


def _held(holder: Owner, hint: str) -> EngineHeld:
    return EngineHeld(_("{holder} holds the engine.").format(holder=name_window(holder)), hint)
