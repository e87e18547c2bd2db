"""A model in memory with everything that serves it: prompts, prefixes, answers, and what is done when idle.

Imported only when the vocabulary is read already, because mlx_lm takes seconds to import.
"""

import traceback
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import monotonic

from app.core.budget import LEAST_ROOM
from app.core.errors import AppError, ModelBroken, ModelTooBig
from app.core.memory import Machine, Plan
from app.core.protocol import (
    DropPrefixes,
    Estimate,
    Estimated,
    Event,
    Forget,
    Load,
    Loading,
    Noted,
    Prewarmed,
    Sweep,
)
from app.core.text import _
from app.weights.folder import ModelFolder, examine
from app.worker import model as loader
from app.worker.draft import Draft, same_vocabulary
from app.worker.examination import check_words, make_card
from app.worker.generation import Generator
from app.worker.idle import Idle, Warm
from app.worker.kvfiles import PrefixFiles
from app.worker.layout import Layout, choose_layout
from app.worker.machine import describe_machine
from app.worker.pace import Pace
from app.worker.prefix import Prefixes
from app.worker.pressure import SystemPressure
from app.worker.prompt import Prompt
from app.worker.smoke import check_sound
from app.worker.ticket import Recall, Ticket, WarmTicket
from app.worker.tokens import Tokens
from app.worker.watch import Watch

FOLDER = "prefixes"
SAVE_SECONDS = 0.7
"""What saving may take when the engine is told to end."""


class Resident:
    """One loaded model. `urgent` says whether a request waits; raises AppError where it cannot be loaded."""

    def __init__(
        self,
        command: Load,
        files: ModelFolder,
        tokens: Tokens,
        send: Callable[[Event], None],
        urgent: Callable[[], bool],
    ) -> None:
        self._send = send
        data = Path(command.data)
        self._layout = layout = choose_layout(tokens, files.path, data)
        check_words(files, layout)
        machine, beside = describe_machine(), _find_draft(command, files, send)
        plan, beside = _plan(command, files, machine, beside, send)
        model = loader.load(files, machine, lambda done, total: send(Loading("weights", done, total)))
        check_sound(model, files, layout)
        draft = _load_draft(beside, machine, send)
        self.card = make_card(files, layout, plan, describe_machine(), beside.name if beside and draft else "")
        self._pace = Pace(data, files.fingerprint)
        self._files = PrefixFiles(
            data / FOLDER,
            _fingerprint(files, layout),
            budget=command.storage.budget,
            exact=command.storage.exact,
            report=send,
        )
        self._prefixes = Prefixes(
            model,
            room=plan.cache_bytes,
            row=self.card.cache_bytes_per_token + _row_of(beside),
            aside=command.storage.memory,
            files=self._files,
        )
        watch = Watch(SystemPressure(), self._prefixes, self._pace, plan, files.shape, send)
        self._idle = Idle(self._prefixes, self._pace, watch, send, urgent)
        self._generator = Generator(self._prefixes, layout, self.card, send, pace=self._pace, watch=watch, draft=draft)

    def greet(self) -> None:
        """Say what is known of this model's pace."""
        self._send(self._pace.rates)

    def answer(self, ticket: Ticket) -> None:
        """Run one request to its end."""
        command = ticket.command
        self._idle.drop(command.session)
        self._idle.drop(None)
        self._prefixes.welcome(command.session)
        prompt = self._generator.answer(ticket)
        self._send(self._pace.rates)
        if prompt and self._has_room(prompt):
            fixed = command.sampling is not None and command.sampling.seed is not None
            self._idle.add(Warm(prompt, command.session, fixed))

    def warm(self, ticket: WarmTicket) -> None:
        """Note a beginning to be read in idle time."""
        command = ticket.command
        prompt = self._layout.lead(
            command.turns, command.instructions, thinking=command.thinking, keep_thoughts=command.keep_thoughts
        )
        self._prefixes.welcome(command.session)
        if self._has_room(prompt):
            self._idle.add(Warm(prompt, command.session, command.fixed, ticket))
        else:  # its question would be refused
            self._send(Prewarmed(command.request, 0))

    def step(self) -> bool:
        """Do one small thing that nobody waits for; False where there is none."""
        return self._idle.step()

    def estimate(self, command: Estimate) -> tuple[Estimated, Recall | None]:
        """How long a prompt is and how much of it is computed, and what had better be read from the disk now.

        For another thread than the one that computes.
        """
        prompt = self._layout.lead(
            command.turns, command.instructions, thinking=command.thinking, keep_thoughts=command.keep_thoughts
        )
        ids, session = [*prompt.ids, 0], command.session
        estimated = Estimated(command.request, len(prompt.ids), self._prefixes.known(ids, session))
        return estimated, Recall(prompt, session) if self._prefixes.lies_on_disk(ids, session) else None

    def recall(self, recall: Recall) -> None:
        """Read from the disk what the next question will need."""
        self._idle.recall(recall)

    def forget(self, command: Forget | Sweep | DropPrefixes) -> None:
        """Delete what was computed for chats that are gone, from memory and once more from the disk."""
        match command:
            case Forget(sessions):
                for session in sessions:
                    self._idle.drop(session)
                self._prefixes.forget(sessions)
            case DropPrefixes():
                self._idle.drop_all()
                self._prefixes.clear()
        self.delete(command)

    def delete(self, command: Forget | Sweep | DropPrefixes) -> None:
        """Delete the files of chats that are gone; any thread may, so that no answer under way is waited for."""
        match command:
            case Forget(sessions):
                self._files.forget(sessions)
            case Sweep(sessions):
                self._files.sweep(sessions)
            case DropPrefixes():
                self._files.clear()

    def _has_room(self, prompt: Prompt) -> bool:
        return len(prompt.ids) <= self.card.context - LEAST_ROOM

    def close(self) -> None:
        """Save what can be saved in a moment."""
        self._idle.drop_all()
        deadline = monotonic() + SAVE_SECONDS
        while monotonic() < deadline and self._prefixes.save_any():
            pass
        self._files.flush(max(0.0, deadline - monotonic()))
        self._files.close()


def _find_draft(command: Load, files: ModelFolder, send: Callable[[Event], None]) -> ModelFolder | None:
    """The small model beside, if it is of use; one that is not costs a notice and nothing else."""
    if not command.draft:
        return None
    folder = Path(command.draft)
    try:
        draft = examine(folder)
        if not same_vocabulary(files.path, folder):
            raise ModelBroken(
                _("The draft model in {folder} has another vocabulary than the model.").format(folder=folder),
                _("It is not used. Choose a draft model that was made for this model."),
            )
        return draft
    except AppError as error:
        traceback.print_exception(error)
        send(Noted(error.failure()))
        return None


def _row_of(draft: ModelFolder | None) -> int:
    """Bytes of cache that the draft model takes for each token of the context."""
    return draft.shape.cache_per_token(draft.element_bytes) if draft else 0


def _plan(
    command: Load, files: ModelFolder, machine: Machine, beside: ModelFolder | None, send: Callable[[Event], None]
) -> tuple[Plan, ModelFolder | None]:
    """The plan, without the draft model where there is no room for both; raises ModelTooBig."""
    if beside:
        try:
            return loader.check_fit(files, machine, command.context, beside), beside
        except ModelTooBig as error:
            plan = loader.check_fit(files, machine, command.context)
            send(Noted(error.failure()))
            return plan, None
    return loader.check_fit(files, machine, command.context), None


def _load_draft(beside: ModelFolder | None, machine: Machine, send: Callable[[Event], None]) -> Draft | None:
    """The draft model in memory; one that cannot be loaded costs a notice and nothing else."""
    if beside is None:
        return None
    try:
        return Draft(loader.load(beside, machine, lambda _done, _total: None))
    except AppError as error:
        traceback.print_exception(error)
        send(Noted(error.failure()))
        return None


def _fingerprint(files: ModelFolder, layout: Layout) -> str:
    """What a row depends on besides the ids before it: the model's files, how it is computed, by which library."""
    parts = (files.fingerprint, layout.release.key, version("mlx"), version("mlx-lm"), files.element_bytes)
    return "-".join(map(str, parts))
