"""What a person can do at the window, and whether it is in place now: what the command table acts on."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication

from app.chat.changes import EngineState, Phase, Progress
from app.core.messages import Message, Role, State
from app.core.text import _
from app.ui.deletion import DeleteQuestion
from app.ui.readingdeeds import ReadingDeeds
from app.ui.theme import Theme
from app.ui.words import write_thought

if TYPE_CHECKING:
    from app.chat.desk import Desk


class Deeds(ReadingDeeds):
    """Hands on to the desk what a person does; what the desk says of it is shown by somebody else."""

    def __init__(self, desk: "Desk", theme: Theme, *, paint_log: Path | None = None) -> None:
        super().__init__(desk, theme, paint_log=paint_log)
        self.edited: int | None = None
        """The question that stands in the composer to be asked in other words."""
        self.size_before: int | None = None
        """Bytes saved for reading faster when their deletion was asked for."""

    # what is true now ---------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the open chat is being answered."""
        last = self.last_answer
        return last is not None and last.state is State.RUNNING

    @property
    def _progress(self) -> Progress | None:
        answer = self.desk.conversation.running
        return answer.progress if answer else None

    @property
    def thinking(self) -> bool:
        """Whether the open chat's answer is a running thought."""
        progress = self._progress
        return self.running and progress is not None and progress.phase is Phase.THINKING

    @property
    def can_stop(self) -> bool:
        """Whether the open chat's answer is ours to stop."""
        return self.desk.conversation.running is not None

    @property
    def can_stop_here(self) -> bool:
        """Whether the answer that could be stopped is in sight: in the library Esc leads back."""
        return self.can_stop and not self.in_library

    @property
    def can_send(self) -> bool:
        """Whether there is something to send, a database to keep it in, and nothing runs."""
        return self.desk.opened and not self.running and not self.composer.blank

    @property
    def can_steer(self) -> bool:
        """Whether what is written can be put into the thought."""
        return self.desk.can_steer and not self.composer.blank and self.edited is None

    @property
    def can_fork(self) -> bool:
        """Whether there is a thought that can be taken up again."""
        return self.has_thought and not self.running and self.desk.opened

    @property
    def can_edit(self) -> bool:
        """Whether there is a question to put into other words."""
        return self.desk.opened and not self.running and self.desk.conversation.last_question is not None

    @property
    def can_free(self) -> bool:
        """Whether a model takes memory that nothing needs at the moment."""
        return self.desk.engine.state is EngineState.READY and not self.desk.running

    @property
    def has_prefixes(self) -> bool:
        """Whether prefixes are saved on the disk."""
        return self.desk.stored is not None and self.desk.stored.size > 0

    @property
    def can_retry(self) -> bool:
        """Whether the last question can be answered again."""
        return self.transcript.last is not None and not self.running

    @property
    def has_chats(self) -> bool:
        """Whether there is a chat to go to."""
        return bool(self.desk.sessions)

    @property
    def has_answer(self) -> bool:
        """Whether there is an answer to copy."""
        return self.transcript.has_answer()

    @property
    def has_thought(self) -> bool:
        """Whether there is a thought to copy or to fold."""
        return self.transcript.has_thought()

    @property
    def last_answer(self) -> Message | None:
        """The open chat's last message, if it is an answer; as it was when it began, while it runs."""
        last = self.transcript.last
        return last if last is not None and last.role is Role.ASSISTANT else None

    @property
    def folder_name(self) -> str:
        """The name of the chosen model folder; empty for the starter."""
        return Path(str(self.desk.preferences.get("model") or "")).name

    def has_version(self, step: int) -> bool:
        """Whether the newest message of several versions has one before (-1) or after (1) the shown one."""
        return self._version(step) is not None

    def _version(self, step: int) -> int | None:
        return None if self.running else self.transcript.version(step)

    def _answers(self) -> Iterator[Message]:
        return (one for one in reversed(self.desk.conversation.messages) if one.role is Role.ASSISTANT)

    # what commands do ---------------------------------------------------------------------------

    def send(self) -> None:
        """Send what is written."""
        if not self.can_send:
            return
        text, edited = self.composer.text(), self.edited
        if edited is not None:
            self.leave_edit()
            self.desk.edit(edited, text)
        else:
            self.composer.show_draft("")
            self.desk.send(text)

    def steer(self) -> None:
        """Put what is written into the thought."""
        if self.can_steer:
            text = self.composer.text()
            self.composer.show_draft("")
            self.desk.set_draft("")
            self.desk.steer(text)

    def fork_thought(self) -> None:
        """Think again from the caret on; where it is in no thought it is put at the end of the one in sight."""
        place = self.transcript.place_in_thought()
        if not self.can_fork:
            return
        if place is None:
            self.transcript.enter_thought()
        else:
            self.fork(*place)

    @Slot(object, int)
    def fork(self, message: int, characters: int) -> None:
        """Think again, with so many characters of that thought."""
        if self.can_fork:
            self.keep_edit()
            self.desk.fork(message, characters)
            self.focus_composer()

    def edit_question(self) -> None:
        """Put the last question into the composer."""
        if question := self.desk.conversation.last_question:
            self.edit(question.id)

    @Slot(object)
    def edit(self, message: int) -> None:
        """Put a question into the composer, to be asked in other words."""
        found = next((one for one in self.desk.conversation.messages if one.id == message), None)
        if found is not None and self.can_edit:
            self.edited = message
            self.composer.show_editing(editing=True)
            self.composer.show_draft(found.text)
            self.focus_composer()

    @Slot()
    def leave_edit(self) -> None:
        """Leave the question as it is; what was being written before stands in the composer again."""
        if self.edited is not None:
            self.edited = None
            self.composer.show_editing(editing=False)
            self.composer.show_draft(self.desk.conversation.draft)

    def keep_edit(self) -> None:
        """Leave a question that is being edited; what was typed becomes the chat's draft."""
        edited, text = self.edited, self.composer.text()
        if edited is None:
            return
        before = next((one.text for one in self.desk.conversation.messages if one.id == edited), "")
        self.leave_edit()
        if text.strip() and text != before:
            self.desk.put_back(text)
            self.composer.show_draft(self.desk.conversation.draft)

    def step_version(self, step: int) -> None:
        """Show the version before (-1) or after (1) the shown one."""
        if (version := self._version(step)) is not None:
            self.keep_edit()
            self.desk.show_branch(version)

    @Slot(object)
    def show_version(self, message: int) -> None:
        """Show another version of a question or an answer."""
        if not self.running:
            self.keep_edit()
            self.desk.show_branch(message)

    def drop_prefixes(self) -> None:
        """Delete what is saved for reading faster; how much that freed is said when it is done."""
        if self.desk.stored is not None:
            self.size_before = self.desk.stored.size
        self.desk.drop_prefixes()

    def start_chat(self) -> None:
        """Put an empty chat on the desk."""
        self.keep_edit()
        self.desk.new_session()
        self.leave_library()
        self.leave_sidebar()
        self.composer.setFocus()

    @Slot(object)
    def open_chat(self, session_id: int) -> None:
        """Put a chat on the desk."""
        self.keep_edit()
        self.leave_library()
        self.desk.open_session(session_id)
        self.leave_sidebar()

    def step_chat(self, step: int) -> None:
        """Go to the chat below (1) or above (-1) in the list, round its ends."""
        self.keep_edit()
        self.leave_library()
        ids = [session.id for session in self.desk.sessions]
        session = self.desk.conversation.session
        if session is not None and session.id in ids:
            self.desk.open_session(ids[(ids.index(session.id) + step) % len(ids)])
        else:
            self.desk.open_session(ids[0 if step > 0 else -1])

    def delete_chat(self) -> None:
        """Ask whether to delete the open chat, and do so."""
        session = self.desk.conversation.session
        if session is not None and self.findChild(DeleteQuestion) is None:
            question = DeleteQuestion(session.title or _("New chat"), self)
            question.agreed.connect(partial(self.desk.delete_session, session.id))
            question.open()

    def copy_answer(self) -> None:
        """Put the newest answer on the clipboard, as the model wrote it."""
        QGuiApplication.clipboard().setText(next((one.text for one in self._answers() if one.text), ""))

    def copy_thought(self) -> None:
        """Put the newest thought on the clipboard."""
        thoughts = (write_thought(one) for one in self._answers() if one.reasoning)
        QGuiApplication.clipboard().setText(next(thoughts, ""))

    def go_to_message(self) -> None:
        """Write, wherever the keyboard is."""
        self.leave_library()
        self.focus_composer()

    def toggle_thought(self) -> None:
        """Fold or unfold the thought in sight."""
        self.transcript.toggle_thought()

    def sidebar_chosen(self, *, beside: bool) -> None:
        """Remember it."""
        self.desk.set_preference("sidebar", beside)

    def choose_theme(self, choice: str) -> None:
        """Show a theme and remember it."""
        self.desk.set_preference("theme", choice)
        self.theme.choose(choice)

    def choose_budget(self) -> None:
        """Ask how long the model may think in this chat."""
        self.composer.thinking.open()

    def quit(self) -> None:
        """Close the window; the app ends with it."""
        self.close()

    def come_forward(self) -> None:
        """Show the window in front of the others."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()
