"""Conversations to look at: long titles, many scripts, code, long thoughts, failures."""
# ruff: noqa: RUF001 - letters of other scripts are the point

import time
from datetime import date, datetime

from app.chat.changes import EngineState, EngineView
from app.core.errors import Failure
from app.core.memory import Machine
from app.core.messages import (
    End,
    Generation,
    Kind,
    Message,
    Part,
    Role,
    Sampling,
    Session,
    State,
    ThoughtEnd,
    new_id,
)
from app.core.protocol import ModelCard

DAY = 86_400.0
TITLES = (
    "AIME 2024 I · Problem 4",
    "Euler totient in Python",
    "Proof: √2 is irrational",
    "GRPO objective, explained",
    "Quarterly notes, and why the covenant in section 14.2 does not bind the guarantor after the sale",
    "重写摘要：局部有界变差",
    "إذا كان العدد زوجيا",
    "SQLite FTS5 tokenizers",
    "Kernel trick intuition 🧮",
    "Regex for ISO dates",
)
AGES = (0.001, 0.01, 0.02, 1.0, 1.1, 1.2, 3.0, 4.0, 9.0, 12.0)
THOUGHT = (
    "The user wants a numeric check. From a = −7/24 we get x = 2^(−7/24), and likewise for y and z. The sum in "
    "general is Σ wᵢ log₂ xᵢ with weights (4, 3, 2). Use math.log2, then compare with 25/8 = 3.125.\n\n"
    "Wait — should I worry about rounding? With doubles the error is about 10⁻¹⁶, so an isclose is enough.\n"
)
ANSWER = (
    "A four-line script confirms it:\n\n```python\nfrom math import log2, isclose\n\n"
    "x, y, z = (2 ** e for e in (-7/24, -3/8, -5/12))\nvalue = abs(4*log2(x) + 3*log2(y) + 2*log2(z))\n"
    'assert isclose(value, 25/8)      # 3.125\nprint(f"{value:.4f}")\n```\n\n'
    "It prints 3.1250, which is 25/8. So m + n = 25 + 8 = 33, and the answer is 033."
)
FIRST = (
    "Put a = log₂ x, b = log₂ y, c = log₂ z. The conditions become a linear system:\n\n"
    "a − b − c = 1/2\n−a + b − c = 1/3\n−a − b + c = 1/4\n\n"
    "Adding pairs gives c = −5/12, b = −3/8, a = −7/24, so |4a + 3b + 2c| = 25/8."
)
SCRIPTS = (
    "العربية: إذا كان x² = 4 فإن x = ±2 — مهم جدا.\n\nעברית: הפתרון הוא 1/2 בלבד.\n\n"
    "中文：面积为 ½ab，所以答案是 84。日本語のテスト、한국어 테스트.\n\nEmoji 🎉🧮👩‍🔬🇫🇷 ✅ and α → β.\n\n"
    "<b>not bold</b> <script>alert(1)</script>"
)
STEERED = (
    (Kind.STEER, "Use exact fractions, not decimals — and say why 25/8 cannot be reduced any further. 请用分数。"),
    (Kind.REASONING, "\nThe user wants fractions. So 4·(−7/24) = −7/6, 3·(−3/8) = −9/8 and 2·(−5/12) = −5/6."),
)
FILES = (
    "Loan agreement 2019.pdf",
    "Quarterly notes, and why the covenant in section 14.2 does not bind the guarantor after the sale.docx",
    "重写摘要：局部有界变差.md",
    "notes.md",
)
MIXED = "面积是多少？ وما هو الجواب؟ 🎉\nSecond line of the question."
STOPPED = Failure("EngineStopped", "The engine stopped.", "Everything written until then is kept.", "engine.restart")
MAGISTRAL = ModelCard(
    name="Magistral-Small-2509",
    folder="/models/Magistral-Small-2509-MLX-4bit",
    fingerprint="f",
    release="magistral",
    architecture="mistral3",
    bits=4,
    weights_bytes=13_300_000_000,
    cache_bytes_per_token=163_840,
    context=40_960,
    machine=Machine(device="metal", name="Apple M1 Pro", memory=32 << 30, limit=21 << 30),
)
STARTER = ModelCard(
    name="SmolLM2-135M-Instruct",
    folder="/data/starter",
    fingerprint="s",
    release="starter",
    architecture="llama",
    bits=None,
    weights_bytes=270_000_000,
    cache_bytes_per_token=46_080,
    context=8_192,
    machine=Machine(device="cpu", name="2 cores", memory=8 << 30, limit=6 << 30),
)
READY = EngineView(EngineState.READY, card=MAGISTRAL)


def make_sessions(count: int = len(TITLES)) -> list[Session]:
    """That many chats, newest first."""
    now = datetime.combine(date.today(), datetime.max.time()).timestamp()  # noqa: DTZ011 - days as a person has them
    ages = [AGES[at] if at < len(AGES) else 12.0 + at for at in range(count)]
    return [
        Session(id=new_id() + at, title=TITLES[at % len(TITLES)], created=now - age * DAY, updated=now - age * DAY)
        for at, age in enumerate(ages)
    ]


def ask(session: int, text: str, parent: int | None = None, files: tuple[str, ...] = ()) -> Message:
    """A question."""
    return Message(
        id=new_id(),
        session=session,
        parent=parent,
        role=Role.USER,
        state=State.DONE,
        created=time.time(),
        parts=(*(Part(Kind.DOCUMENT, "…", name=name) for name in files), Part(Kind.TEXT, text)),
    )


def answer(
    question: Message,
    text: str,
    thought: str = "",
    state: State = State.DONE,
    end: ThoughtEnd | None = ThoughtEnd.ITSELF,
    failure: Failure | None = None,
    message_id: int | None = None,
    cut: End | None = None,
) -> Message:
    """An answer, with how it ended."""
    generation = Generation(
        model=MAGISTRAL.name,
        fingerprint="f",
        sampling=Sampling(),
        reasoning_tokens=1_284,
        reasoning_seconds=41.2,
        answer_tokens=210,
        end=cut,
        thought_end=end,
        failure=failure,
    )
    parts = (Part(Kind.REASONING, thought), Part(Kind.TEXT, text))
    return Message(
        id=message_id or new_id(),
        session=question.session,
        parent=question.id,
        role=Role.ASSISTANT,
        state=state,
        created=time.time(),
        parts=tuple(part for part in parts if part.text),
        generation=None if state is State.RUNNING else generation,
    )


def make_dialogue(session: int) -> list[Message]:
    """Two finished turns."""
    first = ask(session, "Find |log₂(x⁴y³z²)| for the three equations of the problem, as m/n, and give m + n.")
    reply = answer(first, FIRST, THOUGHT)
    second = ask(session, "Check it numerically, please.", reply.id)
    return [first, reply, second, answer(second, ANSWER, THOUGHT)]


def make_long(session: int, turns: int = 500) -> list[Message]:
    """A chat of twice as many messages."""
    messages: list[Message] = []
    for at in range(turns):
        question = ask(session, f"Question {at}: what is {at} times {at}?", messages[-1].id if messages else None)
        messages += [question, answer(question, f"{at} times {at} is {at * at}.\n\n" + FIRST, THOUGHT)]
    return messages
