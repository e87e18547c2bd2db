"""The window: shows the desk's changes in its parts."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QMenu

from app import NAME
from app.chat import changes
from app.chat.changes import Change, EngineState, Progress
from app.core.protocol import ModelCard
from app.core.text import _
from app.ui import commands
from app.ui.deeds import Deeds
from app.ui.theme import Theme
from app.ui.ticker import Ticker
from app.ui.words import explain_ledger, name_model, say_cost, say_freed, say_queue, say_speed

if TYPE_CHECKING:
    from app.chat.desk import Desk

OFFERED = ("chat.resume", "chat.answer_now", "chat.retry", "chat.new")
"""What the last answer may offer in its place."""


class Window(Deeds):
    """The one window of a desk."""

    first_painted = Signal()
    """The window has been painted with the chats in it."""

    def __init__(self, desk: "Desk", theme: Theme, *, paint_log: Path | None = None) -> None:
        super().__init__(desk, theme, paint_log=paint_log)
        self._first_question = ""
        self._keeps_place = False
        self._card: ModelCard | None = None
        """The model that is loaded, or that rests."""
        self._shown_stand: tuple[object, ...] = ()
        self.actions_by_id, self.menus = commands.install(self)
        self.menu = QMenu(self)
        for menu in self.menus.values():
            self.menu.addMenu(menu)
        self.header.set_menu(shown=not self.menuBar().isNativeMenuBar())
        self._numbers = Ticker(self._show_numbers, self)
        self._connect()
        self.painted.connect(self._note_paint)
        desk.listener = self.take
        self._show_all()
        self.composer.setFocus()

    def _connect(self) -> None:
        self.sidebar.list.chosen.connect(self.open_chat)
        self.sidebar.list.clicked.connect(self.leave_library)
        self.sidebar.new_chat.clicked.connect(self.start_chat)
        self.header.model_asked.connect(self._open_models)
        self.header.menu_asked.connect(self._open_menu)
        self.transcript.asked.connect(self.run_command)
        self.transcript.versions = self._find_versions
        self.transcript.chosen.connect(self.show_version)
        self.transcript.fork_asked.connect(self.fork)
        self.transcript.edit_asked.connect(self.edit)
        self.dock.asked.connect(self.run_command)
        self.empty.command_asked.connect(self.run_command)
        self.banner.asked.connect(self.run_command)
        self.composer.submitted.connect(self.send)
        self.composer.stop_asked.connect(self._stop)
        self.composer.draft_changed.connect(self._take_draft)
        self.composer.paged.connect(self.transcript.page)
        self.composer.edit_asked.connect(self.edit_question)
        self.composer.edit_left.connect(self.leave_edit)
        self.composer.detached.connect(self._detach)
        self.composer.thinking.chosen.connect(self._choose_budget)

    # what the desk says -------------------------------------------------------------------------

    def take(self, change: Change) -> None:
        """Show one change of the desk."""
        match change:
            case changes.TextAppended(message=message, kind=kind, text=text):
                if self._is_open(change.session):
                    self.transcript.append(message, kind, text)
            case changes.TextRetracted(message=message, kind=kind, characters=characters):
                if self._is_open(change.session):
                    self.transcript.retract(message, kind, characters)
            case changes.ProgressChanged(progress=progress):
                if self._is_open(change.session):
                    self.transcript.progress(progress)
                    self._numbers.ask()
                    self._mind_commands()
            case changes.LedgerChanged():
                self._take_ledger()
            case changes.CameTooLate() if self._is_open(change.session) and self.edited is None:
                self.composer.show_draft(self.desk.conversation.draft)
            case changes.StoredChanged():
                self._take_stored()
            case changes.ShelfChanged():
                self.show_shelf()
            case changes.Noticed():
                self._take_notice(change)
            case _:
                self._take_rarer(change)

    def _take_rarer(self, change: Change) -> None:
        """Show a change after which commands and the list of chats may stand differently."""
        match change:
            case changes.MessageAdded(message=message) if self._is_open(message.session):
                self.transcript.add(message)
                self.show_page(has_messages=True)
            case changes.MessageChanged(message=message) if self._is_open(message.session):
                self.transcript.change(message)
                self._show_engine()  # its card and the answer's say the same only once
            case changes.ConversationOpened():
                self._show_conversation()
            case changes.EngineChanged():
                self._show_engine()
            case changes.RaiseAsked():
                self.come_forward()
            case changes.Mended():
                self.banner.mend()
            case changes.SessionsChanged() if self._first_question and self.desk.opened:
                question, self._first_question = self._first_question, ""
                QTimer.singleShot(0, self, partial(self.desk.send, question))
        if not isinstance(change, changes.EngineChanged):
            self._show_sessions()
        self._show_queue()
        self._show_progress()
        self._mind_commands(anyway=True)

    def _take_notice(self, notice: changes.Noticed) -> None:
        """Show what belongs to no message, unless it stands somewhere else already."""
        if not self.is_seen(notice.failure):
            self.banner.show_failure(notice.failure, unsaved=notice.unsaved)

    def _take_ledger(self) -> None:
        """Move the meter: at once while a person types, at a readable pace while an answer is written."""
        if self.running:
            self._numbers.ask()
        else:
            self._show_numbers()
            self._mind_commands()

    def _take_stored(self) -> None:
        """Say how much a deletion has freed, once it has."""
        stored, before = self.desk.stored, self.size_before
        if stored is not None and before is not None and stored.size < before:
            self.size_before = None
            self.composer.say(say_freed(before - stored.size))
        self._show_numbers()
        self._mind_commands(anyway=True)

    def _is_open(self, session_id: int) -> bool:
        session = self.desk.conversation.session
        return session is not None and session.id == session_id

    def _show_all(self) -> None:
        self.transcript.fold_thoughts = bool(self.desk.preferences.get("fold_thoughts"))
        self.set_sidebar(beside=bool(self.desk.preferences.get("sidebar")))
        self._show_conversation()
        self._show_sessions()
        self._show_progress()
        self.show_shelf()
        self._mind_commands(anyway=True)

    def _show_conversation(self) -> None:
        conversation = self.desk.conversation
        messages = conversation.messages
        self.show_page(has_messages=bool(messages))
        self._show_queue()
        self.transcript.other_model = "model.starter" if self.folder_name else ""
        self.transcript.open(messages, self._progress)
        self._show_queue()
        if self.edited is None or all(one.id != self.edited for one in messages):
            self.leave_edit()
            self.composer.show_draft(conversation.draft)
        self._show_numbers()
        self._show_engine()

    def _show_sessions(self) -> None:
        session = self.desk.conversation.session
        self.sidebar.list.show_chats(self.desk.sessions, session.id if session else None, self.desk.running)
        title = session.title if session else _("New chat")
        self.header.show_title(title)
        self.setWindowTitle(f"{title} — {NAME}" if session else NAME)

    def _show_engine(self) -> None:
        view = self.desk.engine
        last = self.last_answer
        told = last.generation.failure.kind if last and last.generation and last.generation.failure else ""
        resting = view.state is EngineState.RESTING
        self._card = view.card or (self._card if resting else None)
        name = name_model(self._card) if self._card else self.folder_name
        self.transcript.other_model = "model.starter" if self.folder_name else ""
        kind = view.failure.kind if view.failure else ""
        self.dock.show_engine(view, name, with_card=not told or told != kind, chosen=bool(self.folder_name))
        self.empty.show_engine(view, self.folder_name)
        self.header.show_model(self._card, resting=resting)
        self.composer.show_placeholder(_("Message {model}…").format(model=name) if name else _("Message…"))

    def _show_queue(self) -> None:
        """Say what an answer waits for: the engine, or an answer in another chat."""
        self.transcript.queue_words = say_queue(self.desk.engine.state, len(self.desk.running))
        if (progress := self._progress) is not None:
            self.transcript.progress(progress)
        elif (last := self.last_answer) and self.running:
            self.transcript.queue_words = _("Another process writes this answer")
            self.transcript.progress(Progress(last.id))

    def _show_progress(self) -> None:
        """The speed of a running answer, or what the next one costs before its first word."""
        cost = None if self.running or self.edited is not None else self.desk.reading_time()
        words = say_speed(self._progress) if self.running else say_cost(cost)
        self.composer.show_running(running=self.can_stop, number=words, blocked=self.running and not self.can_stop)

    def _show_numbers(self) -> None:
        desk = self.desk
        self._show_progress()
        ledger, thoughts = desk.ledger(), desk.keeps_thoughts if self.has_thought else None
        self.header.show_ledger(ledger)
        self.header.meter.explain(explain_ledger(ledger, keeps_thoughts=thoughts, stored=desk.stored))
        budget = -1 if desk.chat_budget is None else desk.chat_budget
        self.composer.show_budget(budget, int(desk.preferences.get("thinking_budget")))
        self.composer.show_attached([part.name for part in desk.conversation.attached])

    def _mind_commands(self, *, anyway: bool = False) -> None:
        """Ask all commands whether they are in place, if what a stream of changes can move has moved."""
        desk = self.desk
        able = (desk.can_answer_now, desk.can_steer, desk.can_resume)
        shown = (self.has_answer, self.has_thought, desk.keeps_thoughts, self.composer.blank)
        stand = (self.running, self.can_stop, *shown, *able)
        if not anyway and stand == self._shown_stand:
            return
        self._shown_stand = stand
        commands.refresh(self, self.actions_by_id)
        offered = {one for one in OFFERED if self.actions_by_id[one].isEnabled()}
        if desk.keeps_thoughts and self.has_thought:
            offered.add("chat.keep_thoughts")  # which would leave them out
        self.transcript.offer(frozenset(offered))
        self.composer.show_hints(self._hints())

    def _hints(self) -> list[str]:
        """What keys do with a thought at this moment; of several ways to say it the longest first."""
        answer = _("{key} answers now").format(key=commands.key_of("chat.answer_now"))
        steer = _("{key} corrects the thought").format(key=commands.key_of("thought.steer"))
        if self.can_steer:
            return [f"{answer} · {steer}", steer] if self.running else [steer]
        return [f"{answer} · {steer}", answer] if self.thinking and self.desk.can_answer_now else []

    def pages_changed(self) -> None:
        """What a command acts on is hidden or shown."""
        self._mind_commands(anyway=True)

    def _find_versions(self, message: int) -> list[int]:
        return self.desk.conversation.siblings(message)

    # what its parts ask for ---------------------------------------------------------------------

    @Slot(str)
    def run_command(self, command_id: str) -> None:
        """Run a row of the command table, for buttons that name one."""
        action = self.actions_by_id.get(command_id)
        if action is not None:
            action.trigger()

    def ask_once_open(self, text: str) -> None:
        """Send a question in the new chat as soon as the database can keep it."""
        self._first_question = text

    @Slot()
    def _stop(self) -> None:
        if self.can_stop:
            self.desk.stop()

    @Slot(str)
    def _take_draft(self, text: str) -> None:
        if self.edited is None:
            self.desk.set_draft(text)
        self._mind_commands()

    @Slot(int)
    def _detach(self, index: int) -> None:
        self.desk.detach(index)
        self._show_numbers()

    @Slot(QPoint)
    def _open_models(self, top_left: QPoint) -> None:
        self.menus["model"].popup(top_left)

    @Slot(QPoint)
    def _open_menu(self, top_right: QPoint) -> None:
        self.menu.popup(top_right - QPoint(self.menu.sizeHint().width(), 0))

    @Slot(int)
    def _choose_budget(self, budget: int) -> None:
        self.desk.set_chat_budget(None if budget < 0 else budget)
        self._show_numbers()
        self.dock.arrange()

    # the window's own events --------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What is typed anywhere belongs to the composer."""
        if self.in_library:
            if event.key() == Qt.Key.Key_Escape:
                self.leave_library()
        elif event.text().isprintable() and event.text().strip() and not self.composer.editor.hasFocus():
            self.focus_composer()
            self.composer.editor.keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    @Slot()
    def _note_paint(self) -> None:
        if self.desk.opened:
            self.painted.disconnect(self._note_paint)
            self.transcript.log_start()
            self.first_painted.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember where the window stood, if it was restored; whoever opened the desk closes it."""
        self.keep_edit()
        if self._keeps_place:
            self.desk.remember("window", self.saveGeometry().toBase64().toStdString())
        self.transcript.close_log()
        super().closeEvent(event)

    def stand_where_it_stood(self) -> None:
        """Take the remembered place and size and keep them from now on; Qt mends what does not fit the screens."""
        self._keeps_place = True
        room = self.screen().availableSize()
        self.resize(self.size().boundedTo(room))
        self.restoreGeometry(QByteArray.fromBase64(str(self.desk.preferences.get_state("window", "")).encode()))
