"""Numbers and states of an answer as people read them; no Qt."""

from app.chat.changes import EngineState, Progress
from app.chat.words import say_about, say_gigabytes, say_size
from app.core.budget import Ledger
from app.core.messages import Generation, Kind, Message, State, ThoughtEnd
from app.core.protocol import ModelCard, Stored
from app.core.releases import RELEASES
from app.core.text import _, plural

THOUSAND = 1_000
MINUTE = 60
WORTH_SAYING = 3.0
"""Seconds of reading from which on a person is told before they are spent."""


def say_seconds(seconds: float) -> str:
    """A duration: "41 s", "2 min 5 s"."""
    whole = round(seconds)
    if whole < MINUTE:
        return _("{seconds} s").format(seconds=whole)
    return _("{minutes} min {seconds} s").format(minutes=whole // MINUTE, seconds=whole % MINUTE)


def say_tokens(count: int) -> str:
    """A count of tokens: "1,284 tokens"."""
    return plural("{count} token", "{count} tokens", count)


def say_ceiling(count: int) -> str:
    """A ceiling, rounded down to thousands: "40k"; small ones in full."""
    return f"{count // THOUSAND}k" if count >= 10 * THOUSAND else f"{count:,}"


def say_ledger(ledger: Ledger, *, brief: bool = False) -> str:
    """The meter's words: "9,412 / 40k context · 23%", with "about" while a number is an estimate."""
    if not ledger.ceiling:
        words = say_tokens(ledger.used)
    elif brief:
        words = f"{ledger.share:.0%}"
    else:
        words = _("{used} / {ceiling} context · {share}").format(
            used=f"{ledger.used:,}", ceiling=say_ceiling(ledger.ceiling), share=f"{ledger.share:.0%}"
        )
    return words if ledger.exact else _("about {words}").format(words=words)


def explain_ledger(ledger: Ledger, *, keeps_thoughts: bool | None = None, stored: Stored | None = None) -> str:
    """The meter's tooltip: what uses how many tokens, and what is saved of it.

    `keeps_thoughts` says whether the chat so far has its earlier thoughts in it; None where there are none.
    """
    rows = [
        (_("Chat so far"), ledger.history),
        (_("Your draft"), ledger.draft),
        (_("Answer being written"), ledger.live),
    ]
    lines = [f"{title}: {count:,}" for title, count in rows if count or title == rows[0][0]]
    if keeps_thoughts is not None:
        kept = _("Earlier thoughts are kept in it.") if keeps_thoughts else _("Earlier thoughts are left out of it.")
        lines.insert(1, kept)
    if ledger.ceiling:
        lines.append(_("Left for thought and answer: {count}").format(count=f"{ledger.left:,}"))
    if not ledger.exact:
        lines.append(_("Estimated until the model's tokenizer has answered."))
    if stored is not None:
        lines.append(say_stored(stored))
    return "\n".join(lines)


def say_stored(stored: Stored) -> str:
    """What is on the disk: "Saved for reading faster: 1.2 of 10 GB, 340 MB written today"."""
    if stored.failure is not None:
        return _("Saved for reading faster: nothing at the moment. {reason}").format(reason=stored.failure.message)
    if not stored.budget and not stored.size:
        return _("Saved for reading faster: off")
    words = _("Saved for reading faster: {size} of {budget} GB").format(
        size=say_gigabytes(stored.size), budget=say_gigabytes(stored.budget)
    )
    if not stored.written_today:
        return words
    return _("{words}, {size} written today").format(words=words, size=say_size(stored.written_today))


def say_freed(size: int) -> str:
    """What a deletion of what was saved has given back."""
    return _("{size} of disk freed").format(size=say_size(size))


def say_cost(seconds: float | None) -> str:
    """How long a question would be read: "about 1 min 40 s to read"; empty where that is soon over or not known."""
    if seconds is None or seconds < WORTH_SAYING:
        return ""
    return _("{time} to read").format(time=say_about(seconds))


def write_thought(message: Message) -> str:
    """A thought as text, with what the user put into it."""
    texts = {Kind.REASONING: "{text}", Kind.STEER: "\n\n" + _("You: {text}") + "\n\n"}
    return "".join(texts[part.kind].format(text=part.text) for part in message.parts if part.kind in texts)


def say_running_thought(progress: Progress) -> str:
    """The header of a running thought: "Thinking… 312 tokens · 17 s"."""
    if not progress.reasoning_tokens:
        return _("Thinking…")
    return _("Thinking… {tokens} · {time}").format(
        tokens=say_tokens(progress.reasoning_tokens), time=say_seconds(progress.reasoning_seconds)
    )


def say_left_thought(progress: Progress) -> str:
    """The header of a thought whose answer is being written."""
    if not progress.reasoning_tokens:
        return _("Thought")
    return _("Thought for {time} · {tokens}").format(
        time=say_seconds(progress.reasoning_seconds), tokens=say_tokens(progress.reasoning_tokens)
    )


def say_ended_thought(generation: Generation | None, state: State) -> str:
    """The header of a thought that ended: "Thought for 41 s · 1,284 tokens · cut short by you"."""
    if generation is None or not generation.reasoning_tokens:
        words = _("Thought")
    else:
        words = _("Thought for {time} · {tokens}").format(
            time=say_seconds(generation.reasoning_seconds), tokens=say_tokens(generation.reasoning_tokens)
        )
    ending = _say_ending(generation, state)
    return f"{words} · {ending}" if ending else words


def _say_ending(generation: Generation | None, state: State) -> str:
    end = generation.thought_end if generation else None
    if end is ThoughtEnd.LOOP:
        return _("loop stopped")
    if end in {None, ThoughtEnd.UNFINISHED} and state is State.INTERRUPTED:
        return _("interrupted")
    if end is ThoughtEnd.UNFINISHED and state is State.FAILED:
        return _("interrupted")
    if generation and state is State.STOPPED and (end is ThoughtEnd.UNFINISHED or not generation.answer_tokens):
        return _("stopped by you")
    return {
        ThoughtEnd.USER: _("cut short by you"),
        ThoughtEnd.BUDGET: _("budget reached"),
        ThoughtEnd.LIMIT: _("context full"),
        ThoughtEnd.UNFINISHED: _("not finished"),
    }.get(end or ThoughtEnd.ITSELF, "")


def say_queue(engine: EngineState, running: int) -> str:
    """What an answer in the queue waits for."""
    if engine in {EngineState.STARTING, EngineState.LOADING, EngineState.RESTING}:
        return _("Waiting until the model is loaded")
    if engine is EngineState.WAITING:
        return _("Waiting until the engine is free")
    if engine is EngineState.STOPPED:
        return _("Waiting until the engine runs again")
    if engine is EngineState.FAILED:
        return _("Waiting for a model that can be loaded")
    return _("Waiting for the answer before this one") if running > 1 else _("Reading the question")


def say_reading(progress: Progress) -> str:
    """How much of the prompt has been read, and how long the rest takes."""
    if not progress.to_read:
        return _("Reading the question")
    words = _("Reading {done} of {total} tokens").format(done=f"{progress.read:,}", total=f"{progress.to_read:,}")
    if progress.seconds_left is None or progress.seconds_left < 1:
        return words
    return _("{words} · {time} left").format(words=words, time=say_about(progress.seconds_left))


def say_speed(progress: Progress | None) -> str:
    """Tokens per second of a running answer; empty until there is one."""
    speed = progress.tokens_per_second if progress else 0.0
    return _("{speed} tok/s").format(speed=f"{speed:.1f}") if speed else ""


def say_model(card: ModelCard, *, resting: bool = False) -> str:
    """The model as the chip in the header names it."""
    label = name_model(card)
    if resting:
        return _("{label} · resting").format(label=label)
    if card.release == "starter":
        return _("{label} · stand-in for trying the app").format(label=label)
    bits = _("{bits}-bit").format(bits=card.bits) if card.bits else ""
    return " · ".join(part for part in (label, bits) if part)


def name_model(card: ModelCard) -> str:
    """The model's short name."""
    return next((row.label for row in RELEASES if row.key == card.release), card.name)
