"""Numbers and states of an answer as people read them; no Qt."""

from app.chat.changes import EngineState, Progress
from app.core.budget import Ledger
from app.core.messages import Generation, State, ThoughtEnd
from app.core.protocol import ModelCard
from app.core.releases import RELEASES
from app.core.text import _, plural

THOUSAND = 1_000
MINUTE = 60


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


def explain_ledger(ledger: Ledger) -> str:
    """The meter's tooltip: what uses how many tokens."""
    rows = [
        (_("Chat so far"), ledger.history),
        (_("Your draft"), ledger.draft),
        (_("Answer being written"), ledger.live),
    ]
    lines = [f"{title}: {count:,}" for title, count in rows if count or title == rows[0][0]]
    if ledger.ceiling:
        lines.append(_("Left for thought and answer: {count}").format(count=f"{ledger.left:,}"))
    if not ledger.exact:
        lines.append(_("Estimated until the model's tokenizer has answered."))
    return "\n".join(lines)


def say_running_thought(progress: Progress) -> str:
    """The header of a running thought: "Thinking… 312 tokens · 17 s"."""
    if not progress.reasoning_tokens:
        return _("Thinking…")
    return _("Thinking… {tokens} · {time}").format(
        tokens=say_tokens(progress.reasoning_tokens), time=say_seconds(progress.reasoning_seconds)
    )


def say_left_thought(progress: Progress) -> str:
    """The header of a thought whose answer is being written."""
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
    if end in {None, ThoughtEnd.UNFINISHED} and state is State.INTERRUPTED:
        return _("interrupted")
    if end is ThoughtEnd.UNFINISHED and state is State.FAILED:
        return _("interrupted")
    if generation and state is State.STOPPED and not generation.answer_tokens:
        return _("stopped by you")
    return {
        ThoughtEnd.USER: _("cut short by you"),
        ThoughtEnd.BUDGET: _("budget reached"),
        ThoughtEnd.LIMIT: _("context full"),
        ThoughtEnd.UNFINISHED: _("not finished"),
    }.get(end or ThoughtEnd.ITSELF, "")


def say_queue(engine: EngineState, running: int) -> str:
    """What an answer in the queue waits for."""
    if engine in {EngineState.STARTING, EngineState.LOADING}:
        return _("Waiting until the model is loaded")
    if engine is EngineState.WAITING:
        return _("Waiting until the engine is free")
    if engine is EngineState.STOPPED:
        return _("Waiting until the engine runs again")
    if engine is EngineState.FAILED:
        return _("Waiting for a model that can be loaded")
    return _("Waiting for the answer before this one") if running > 1 else _("Reading the question")


def say_reading(progress: Progress) -> str:
    """How much of the prompt has been read."""
    if progress.to_read:
        return _("Reading {done} of {total} tokens").format(done=f"{progress.read:,}", total=f"{progress.to_read:,}")
    return _("Reading the question")


def say_speed(progress: Progress | None) -> str:
    """Tokens per second of a running answer; empty until there is one."""
    speed = progress.tokens_per_second if progress else 0.0
    return _("{speed} tok/s").format(speed=f"{speed:.1f}") if speed else ""


def say_model(card: ModelCard) -> str:
    """The model as the chip in the header names it."""
    label = name_model(card)
    if card.release == "starter":
        return _("{label} · stand-in for trying the app").format(label=label)
    bits = _("{bits}-bit").format(bits=card.bits) if card.bits else ""
    return " · ".join(part for part in (label, bits) if part)


def name_model(card: ModelCard) -> str:
    """The model's short name."""
    return next((row.label for row in RELEASES if row.key == card.release), card.name)
