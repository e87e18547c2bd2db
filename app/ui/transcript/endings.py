"""What stands under an answer that did not come to its end by itself, and what is offered there; no Qt."""

from dataclasses import dataclass

from app.core.messages import End, Message, State
from app.core.text import _


@dataclass(frozen=True, slots=True)
class Offer:
    """A button that runs a row of the command table."""

    command: str
    words: str = ""
    """What it says; empty: the title of the command."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended, in words, and what can be done about it."""

    message: str = ""
    hint: str = ""
    offers: tuple[Offer, ...] = ()
    """The likeliest first."""
    mark: str = ""
    """The theme's colour of the dot before the words."""
    card: bool = False
    """In a card; else in a quiet row."""


def describe_end(message: Message, possible: frozenset[str] = frozenset(), other_model: str = "") -> Ending | None:
    """What to say under an answer; None where there is nothing to say.

    `possible` are the commands that can be offered, none of them unless it is the last answer; `other_model`
    is the command that a failed load offers beside choosing another folder.
    """
    if message.state is State.RUNNING:
        return None
    end = message.generation.end if message.generation else None
    if (failed := _describe_failure(message, possible, other_model)) is not None:
        return failed
    if end is End.LOOP:
        offers = (Offer("chat.answer_now"), Offer("chat.resume", _("Try again from before the loop")))
        hint = _("The repeats were taken out.")
        return Ending(_("The model repeated itself."), hint, _pick(offers, possible), "warn", card=True)
    if message.state is State.INTERRUPTED:
        hint = _("What was written until then is kept.")
        return Ending(_("This answer was interrupted."), hint, _go_on(possible), "warn", card=True)
    if message.state is State.FAILED:
        return Ending(_("This answer could not be finished."), "", _go_on(possible), "bad", card=True)
    return _describe_row(message, end, possible)


def _describe_failure(message: Message, possible: frozenset[str], other_model: str) -> Ending | None:
    failure = message.generation.failure if message.generation else None
    if failure is None:
        return None
    if failure.command in {"", "engine.restart"}:
        offers = _go_on(possible)  # going on restarts a stopped engine first: one click for both
    else:
        named = (failure.command, other_model if failure.command == "model.choose" else "")
        offers = tuple(Offer(command) for command in named if command) if possible else ()
    mark = "bad" if message.state is State.FAILED else "warn"
    return Ending(failure.message, failure.hint, offers, mark, card=True)


def _describe_row(message: Message, end: End | None, possible: frozenset[str]) -> Ending | None:
    in_thought = bool(message.reasoning.strip()) and not message.text  # then the thought's header says how it ended
    offers = _resume(possible)
    if message.state is State.STOPPED:
        return _row("" if in_thought else _("Stopped by you"), offers)
    if end is End.LIMIT:
        shorter = (Offer("chat.keep_thoughts", _("Leave earlier thoughts out")), Offer("chat.new"))
        return _row(_("Cut off: the context is full."), offers + _pick(shorter, possible), "warn")
    return _row("", offers) if in_thought else None


def _row(words: str, offers: tuple[Offer, ...], mark: str = "") -> Ending | None:
    return Ending(words, offers=offers, mark=mark) if words or offers else None


def _go_on(possible: frozenset[str]) -> tuple[Offer, ...]:
    """To go on where the answer ended, else to begin again."""
    return _resume(possible) or _pick((Offer("chat.retry"),), possible)


def _resume(possible: frozenset[str]) -> tuple[Offer, ...]:
    return _pick((Offer("chat.resume", _("Continue")), Offer("chat.answer_now")), possible)


def _pick(offers: tuple[Offer, ...], possible: frozenset[str]) -> tuple[Offer, ...]:
    return tuple(offer for offer in offers if offer.command in possible)
