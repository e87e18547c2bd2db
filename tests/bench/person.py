"""Somebody at a desk who does one thing after the other, drawn at random, and waits for none of them to be finished."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import psutil

from app.chat.changes import EngineState
from app.chat.desk import Desk
from app.core.messages import Kind, Message, Role

DEADLINE = 120.0
"""Seconds after which something that should happen is taken not to."""
LONG = 16
"""Messages of a shown branch from which on a chat is likely to be deleted."""
WORDS = ("river", "bridge", "mill", "proof", "prime", "court", "ledger", "tower", "contract", "valley", "sum", "angle")
BUDGETS = (None, None, 3, 5, 0)
"""Tokens of thought that a chat may be given."""


class Person:
    """Does one turn after the other; `done` counts what it was."""

    def __init__(self, desk: Desk, draw: random.Random, chats: int) -> None:
        self.desk, self._draw, self._chats = desk, draw, chats
        self.done: Counter[str] = Counter()
        self.workers: set[int] = set()
        self._acts: dict[str, tuple[int, Callable[[], None]]] = {
            "ask": (36, self._ask),
            "edit": (12, self._edit),
            "retry": (10, desk.retry),
            "branch": (12, self._branch),
            "fork": (10, self._fork),
            "resume": (10, desk.resume),
            "steer what stopped": (5, lambda: desk.steer(self._words(3))),
            "answer what stopped": (5, desk.answer_now),
        }
        self._ends: dict[str, tuple[int, Callable[[], None]]] = {
            "stop": (50, lambda: self._stop_after(self._draw.randrange(1, 6))),
            "stop at once": (10, desk.stop),
            "answer now": (14, self._answer_now),
            "steer": (14, self._steer),
            "look elsewhere": (8, self._look_elsewhere),
            "delete while it runs": (4, self._delete),
        }

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Drain until the condition holds."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what}: it did not come to that; the engine is {self.desk.engine}")
            self.desk.inbox.wait(0.02)
            self.desk.drain()

    def wait_for_engine(self) -> None:
        """Wait until a model is loaded, and note whose process has it."""
        self.wait(lambda: self.desk.engine.state is EngineState.READY, "load")
        self.workers.add(self.worker.pid)

    @property
    def worker(self) -> psutil.Process:
        """The engine's process."""
        return next(child for child in psutil.Process().children() if "--worker" in child.cmdline())

    def turn(self, *, kill: bool = False) -> None:
        """Begin an answer in some chat and end it in some way."""
        self._choose_chat()
        name = self._pick(self._acts)
        self._acts[name][1]()
        if self.desk.conversation.running is None:  # there is nothing there to do it with
            name = "ask"
            self._ask()
        self.done[name] += 1
        end = "kill" if kill else self._pick(self._ends)
        self.done[end] += 1
        if kill:
            self._kill()
        else:
            self._ends[end][1]()
        self.wait(lambda: self.desk.conversation.running is None, f"the end of “{name}” by “{end}”")

    def _choose_chat(self) -> None:
        sessions = self.desk.sessions
        if len(sessions) >= self._chats and self._draw.random() < 0.05:
            self.done["delete"] += 1
            self.desk.delete_session(self._draw.choice(sessions).id)
        if len(self.desk.sessions) < self._chats:
            self.desk.new_session()
            self.desk.set_chat_budget(self._draw.choice(BUDGETS))
            self._ask()
            self._stop_after(2)
            self.wait(lambda: self.desk.conversation.running is None, "the first answer of a chat")
            self.done["new chat"] += 1
            return
        self.desk.open_session(self._draw.choice(self.desk.sessions).id)
        if len(self.desk.conversation.messages) > LONG:
            self._delete()
            self.desk.open_session(self._draw.choice(self.desk.sessions).id)

    def _ask(self) -> None:
        self.desk.send(f"Why {self._words(self._draw.randrange(2, 9))}?")

    def _edit(self) -> None:
        if question := self._some(Role.USER):
            self.desk.edit(question.id, f"Rather {self._words(4)}?")

    def _branch(self) -> None:
        here = self.desk.conversation
        others = [
            sibling
            for message in here.messages
            for sibling in here.siblings(message.id)
            if sibling not in {each.id for each in here.messages}
        ]
        if others:
            self.desk.show_branch(self._draw.choice(others))
            self._ask()

    def _fork(self) -> None:
        answer = self._some(Role.ASSISTANT)
        if answer and answer.text_of(Kind.REASONING):
            self.desk.fork(answer.id, self._draw.randrange(1, 1 + len(answer.reasoning)))

    def _some(self, role: Role) -> Message | None:
        messages = [message for message in self.desk.conversation.messages if message.role is role]
        return self._draw.choice(messages) if messages else None

    def _stop_after(self, tokens: int) -> None:
        self._wait_for_tokens(tokens)
        self.desk.stop()

    def _wait_for_tokens(self, tokens: int) -> None:
        """Wait for so many more than there are: an answer that goes on has some already."""
        first = self._tokens()
        self.wait(lambda: self._over() or self._tokens() >= first + tokens, "tokens")

    def _answer_now(self) -> None:
        self._wait_for_tokens(1)
        self.desk.answer_now()
        self.wait(lambda: self._over() or self._tokens() > self._thought() or not self.desk.can_answer_now, "an answer")
        self.desk.stop()

    def _steer(self) -> None:
        self._wait_for_tokens(1)
        self.desk.steer(f"No, {self._words(3)}.")
        self._stop_after(2)

    def _look_elsewhere(self) -> None:
        """Another chat comes on the desk while this one is answered, then this one again."""
        here = self.desk.conversation.session
        self.desk.open_session(self._draw.choice(self.desk.sessions).id)
        self.desk.drain()
        if here:
            self.desk.open_session(here.id)
        self._stop_after(1)

    def _delete(self) -> None:
        self.done["delete"] += 1
        if session := self.desk.conversation.session:
            self.desk.delete_session(session.id)

    def _kill(self) -> None:
        """What the model had begun is over with its worker; the next worker comes by itself."""
        self._wait_for_tokens(1)
        os.kill(self.worker.pid, signal.SIGKILL)
        self.wait(self._over, "the end of an answer whose engine was killed")
        self.wait(self._has_new_worker, "the next worker")
        self.wait_for_engine()

    def _has_new_worker(self) -> bool:
        try:
            return self.desk.engine.state is EngineState.READY and self.worker.pid not in self.workers
        except (StopIteration, psutil.Error):
            return False

    def _over(self) -> bool:
        return self.desk.conversation.running is None

    def _tokens(self) -> int:
        progress = self.desk.conversation.progress
        return progress.tokens if progress else 0

    def _thought(self) -> int:
        progress = self.desk.conversation.progress
        return progress.reasoning_tokens if progress else 0

    def _words(self, count: int) -> str:
        return " ".join(self._draw.choices(WORDS, k=count))

    def _pick(self, table: dict[str, tuple[int, Callable[[], None]]]) -> str:
        return self._draw.choices(list(table), [weight for weight, _act in table.values()])[0]
