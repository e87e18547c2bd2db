"""The window: shows the desk's changes in its parts, and is what commands act on."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QFileDialog, QMenu

from app import NAME
from app.chat import changes
from app.chat.changes import Change, Phase, Progress
from app.core.messages import Message, Role, State
from app.core.text import _
from app.ui import commands
from app.ui.frame import Frame
from app.ui.theme import Theme
from app.ui.ticker import Ticker
from app.ui.words import name_model, say_queue, say_speed

if TYPE_CHECKING:
    from app.chat.desk import Desk


class Window(Frame):
    """The one window of a desk."""

    first_painted = Signal()
    """The window has been painted with the chats in it."""
    desk: "Desk"

    def __init__(self, desk: "Desk", theme: Theme, *, paint_log: Path | None = None) -> None:
        super().__init__(theme, paint_log=paint_log)
        self.desk = desk
        self._first_question = ""
        self._keeps_place = False
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
        self.sidebar.new_chat.clicked.connect(self.start_chat)
        self.header.model_asked.connect(self._open_models)
        self.header.menu_asked.connect(self._open_menu)
        self.transcript.asked.connect(self.run_command)
        self.dock.asked.connect(self.run_command)
        self.banner.asked.connect(self.run_command)
        self.composer.submitted.connect(self.send)
        self.composer.stop_asked.connect(self._stop)
        self.composer.draft_changed.connect(self._take_draft)
        self.composer.paged.connect(self.transcript.page)
        self.composer.thinking.chosen.connect(self._choose_budget)

    # what the desk says -------------------------------------------------------------------------

    def take(self, change: Change) -> None:
        """Show one change of the desk."""
        match change:
            case changes.TextAppended(message=message, kind=kind, text=text):
                if self._is_open(change.session):
                    self.transcript.append(message, kind, text)
            case changes.ProgressChanged(progress=progress):
                if self._is_open(change.session):
                    self.transcript.progress(progress)
                    self._numbers.ask()
                    self._mind_commands()
            case changes.LedgerChanged() if self.running:
                self._numbers.ask()
            case changes.LedgerChanged():
                self._show_numbers()
            case changes.Noticed(failure=failure, unsaved=unsaved):
                self.banner.show_failure(failure, unsaved=unsaved)
            case changes.Mended():
                self.banner.mend()
            case changes.RaiseAsked():
                self.come_forward()
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
            case changes.SessionsChanged() if self._first_question and self.desk.opened:
                question, self._first_question = self._first_question, ""
                QTimer.singleShot(0, self, partial(self.desk.send, question))
        if not isinstance(change, changes.EngineChanged):
            self._show_sessions()
        self._show_queue()
        self._show_progress()
        self._mind_commands(anyway=True)

    def _is_open(self, session_id: int) -> bool:
        session = self.desk.conversation.session
        return session is not None and session.id == session_id

    def _show_all(self) -> None:
        self.transcript.fold_thoughts = bool(self.desk.preferences.get("fold_thoughts"))
        self.composer.thinking.show_budget(int(self.desk.preferences.get("thinking_budget")))
        self.set_sidebar(beside=bool(self.desk.preferences.get("sidebar")))
        self._show_conversation()
        self._show_sessions()
        self._show_progress()
        self._mind_commands(anyway=True)

    def _show_conversation(self) -> None:
        conversation = self.desk.conversation
        messages = conversation.messages
        self.show_page(has_messages=bool(messages))
        self._show_queue()
        self.transcript.other_model = "model.starter" if self.folder_name else ""
        self.transcript.open(messages, self._progress)
        self.composer.show_draft(conversation.draft)
        self.header.show_ledger(self.desk.ledger())
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
        name = name_model(view.card) if view.card else self.folder_name
        self.transcript.other_model = "model.starter" if self.folder_name else ""
        kind = view.failure.kind if view.failure else ""
        self.dock.show_engine(view, name, with_card=not told or told != kind, chosen=bool(self.folder_name))
        self.empty.show_engine(view)
        self.header.show_model(view.card)
        self.composer.show_placeholder(_("Message {model}…").format(model=name) if name else _("Message…"))

    def _show_queue(self) -> None:
        """Say what an answer waits for: the engine, or an answer in another chat."""
        self.transcript.queue_words = say_queue(self.desk.engine.state, len(self.desk.running))
        if (progress := self._progress) is not None:
            self.transcript.progress(progress)
        elif (last := self.last_answer) and self.running and not last.parts:
            self.transcript.queue_words = _("Another process writes this answer")
            self.transcript.progress(Progress(last.id))

    def _show_progress(self) -> None:
        progress = self._progress
        self.composer.show_running(running=self.running, speed=say_speed(progress) if self.running else "")

    def _show_numbers(self) -> None:
        self._show_progress()
        self.header.show_ledger(self.desk.ledger())

    def _mind_commands(self, *, anyway: bool = False) -> None:
        """Ask all commands whether they are in place, if what a stream of changes can move has moved."""
        stand = (self.running, self.thinking, self.has_answer, self.has_thought, self.composer.blank)
        if anyway or stand != self._shown_stand:
            self._shown_stand = stand
            commands.refresh(self, self.actions_by_id)

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
    def can_send(self) -> bool:
        """Whether there is something to send, a database to keep it in, and nothing runs."""
        return self.desk.opened and not self.running and not self.composer.blank

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

    def _newest(self, what: str) -> str:
        answers = (one for one in reversed(self.desk.conversation.messages) if one.role is Role.ASSISTANT)
        return next((text for one in answers if (text := str(getattr(one, what)))), "")

    # what commands do ---------------------------------------------------------------------------

    @Slot(str)
    def run_command(self, command_id: str) -> None:
        """Run a row of the command table, for buttons that name one."""
        action = self.actions_by_id.get(command_id)
        if action is not None:
            action.trigger()

    def send(self) -> None:
        """Send what is written."""
        if self.can_send:
            text = self.composer.text()
            self.composer.show_draft("")
            self.desk.send(text)

    def start_chat(self) -> None:
        """Put an empty chat on the desk."""
        self.desk.new_session()
        self.leave_sidebar()
        self.composer.setFocus()

    @Slot(object)
    def open_chat(self, session_id: int) -> None:
        """Put a chat on the desk."""
        self.desk.open_session(session_id)
        self.leave_sidebar()

    def step_chat(self, step: int) -> None:
        """Go to the chat below (1) or above (-1) in the list, round its ends."""
        ids = [session.id for session in self.desk.sessions]
        session = self.desk.conversation.session
        if session is not None and session.id in ids:
            self.desk.open_session(ids[(ids.index(session.id) + step) % len(ids)])
        else:
            self.desk.open_session(ids[0 if step > 0 else -1])

    def copy_answer(self) -> None:
        """Put the newest answer on the clipboard, as the model wrote it."""
        QGuiApplication.clipboard().setText(self._newest("text"))

    def copy_thought(self) -> None:
        """Put the newest thought on the clipboard."""
        QGuiApplication.clipboard().setText(self._newest("reasoning"))

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

    def choose_model(self) -> None:
        """Ask for a model folder and load it."""
        start = str(self.desk.preferences.get("model") or Path.home())
        folder = QFileDialog.getExistingDirectory(self, _("Choose a model folder"), start)
        if folder:
            self.desk.load_model(folder)

    def quit(self) -> None:
        """Close the window; the app ends with it."""
        self.close()

    def come_forward(self) -> None:
        """Show the window in front of the others."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def ask_once_open(self, text: str) -> None:
        """Send a question in the new chat as soon as the database can keep it."""
        self._first_question = text

    @Slot()
    def _stop(self) -> None:
        self.desk.stop()

    @Slot(str)
    def _take_draft(self, text: str) -> None:
        self.desk.set_draft(text)
        self._mind_commands()

    @Slot(QPoint)
    def _open_models(self, top_left: QPoint) -> None:
        self.menus["model"].popup(top_left)

    @Slot(QPoint)
    def _open_menu(self, top_right: QPoint) -> None:
        self.menu.popup(top_right - QPoint(self.menu.sizeHint().width(), 0))

    @Slot(int)
    def _choose_budget(self, budget: int) -> None:
        self.desk.set_preference("thinking_budget", budget)
        self.composer.thinking.show_budget(budget)
        self.dock.arrange()

    # the window's own events --------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What is typed anywhere belongs to the composer."""
        if event.text().isprintable() and event.text().strip() and not self.composer.editor.hasFocus():
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
