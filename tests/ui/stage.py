"""A desk-shaped object filled with samples, for tests of widgets and for pictures to look at.

`.venv/bin/python -m tests.ui.stage FOLDER` saves the pictures of all scenes.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication, QMenu

from app.chat.changes import (
    Change,
    ConversationOpened,
    EngineChanged,
    EngineState,
    EngineView,
    LedgerChanged,
    MessageAdded,
    MessageChanged,
    Noticed,
    Phase,
    Progress,
    ProgressChanged,
    SessionsChanged,
    ShelfChanged,
    TextAppended,
)
from app.core.budget import Ledger, estimate_tokens
from app.core.errors import Failure
from app.core.messages import End, Kind, Message, Part, Role, Session, State, ThoughtEnd
from app.core.protocol import Stored
from app.core.settings import SETTINGS
from tests.ui import samples
from tests.ui.stageshelf import StageShelf

if TYPE_CHECKING:
    from app.ui.window import Window


class Preferences(dict[str, object]):
    """The defaults, and what a test changes."""

    def __init__(self) -> None:
        super().__init__({row.key: row.default for row in SETTINGS})
        self.state: dict[str, object] = {}

    def get_state(self, key: str, default: object = None) -> object:
        return self.state.get(key, default)


class Chat:
    """What the window reads of a conversation."""

    def __init__(
        self, session: Session | None = None, messages: list[Message] | None = None, progress: Progress | None = None
    ) -> None:
        self.session, self.messages = session, messages or []
        self.running = SimpleNamespace(progress=progress) if progress else None
        self.draft = ""
        self.attached: list[Part] = []
        self.others: list[Message] = []
        """Messages of other branches."""

    @property
    def last_question(self) -> Message | None:
        return next((one for one in reversed(self.messages) if one.role is Role.USER), None)

    def siblings(self, message: int) -> list[int]:
        every = [*self.messages, *self.others]
        here = next(one for one in every if one.id == message)
        return sorted(one.id for one in every if one.parent == here.parent and one.role is here.role)


class StageDesk:
    """Looks like `app.chat.desk.Desk` from the window; what it is told is written down in `told`."""

    def __init__(self, sessions: list[Session] | None = None) -> None:
        self.listener: Callable[[Change], None] = lambda _change: None
        self.sessions = sessions if sessions is not None else samples.make_sessions()
        self.running: set[int] = set()
        self.opened = True
        self.restless = False
        self.engine = samples.READY
        self.preferences = Preferences()
        self.told: list[tuple[object, ...]] = []
        self.shelf = StageShelf(self.told, self._tell_shelf)
        self.budget = Ledger(9_300, 112, 0, 40_960, exact=True)
        self.conversation = Chat()
        self.by_session: dict[int, list[Message]] = {}
        self.can_answer_now = self.can_steer = self.can_resume = False
        self.chat_budget: int | None = None
        self.keeps_thoughts = False
        self.stored: Stored | None = None
        self.seconds: float | None = None
        """What `reading_time` says."""

    # what a scene sets --------------------------------------------------------------------------

    def put(self, session: Session, messages: list[Message], progress: Progress | None = None) -> None:
        """Put a chat on the desk."""
        self.by_session[session.id] = messages
        self.conversation = Chat(session, messages, progress)
        if progress:
            self.running.add(session.id)
        self.can_answer_now = self.can_steer = progress is not None and progress.phase is Phase.THINKING
        self.can_resume = False
        self.listener(ConversationOpened())

    def allow(self, *, resume: bool = True, answer_now: bool = True) -> None:
        """Let the last answer go on."""
        self.can_resume, self.can_answer_now, self.can_steer = resume, answer_now, answer_now
        self.listener(LedgerChanged())

    def _tell_shelf(self) -> None:
        self.listener(ShelfChanged())

    def say(self, change: Change) -> None:
        """Tell the window."""
        if isinstance(change, EngineChanged):
            self.engine = change.view
        if isinstance(change, MessageAdded):
            self.conversation.messages.append(change.message)
        if isinstance(change, MessageChanged):
            messages = self.conversation.messages
            messages[:] = [change.message if one.id == change.message.id else one for one in messages]
            if change.message.state is not State.RUNNING:
                self.conversation.running = None
                self.running.discard(change.message.session)
                self.can_answer_now = self.can_steer = False
        if isinstance(change, ProgressChanged):
            self.conversation.running = SimpleNamespace(progress=change.progress)
            self.can_answer_now = self.can_steer = change.progress.phase is Phase.THINKING
        self.listener(change)

    # what the window calls ----------------------------------------------------------------------

    def drain(self) -> None:
        self.told.append(("drain",))

    def open_session(self, session_id: int) -> None:
        self.told.append(("open_session", session_id))
        session = next(one for one in self.sessions if one.id == session_id)
        self.put(session, self.by_session.get(session_id) or samples.make_dialogue(session_id))
        self.listener(SessionsChanged())

    def new_session(self) -> None:
        self.told.append(("new_session",))
        self.conversation = Chat()
        self.listener(ConversationOpened())

    def send(self, text: str) -> None:
        self.told.append(("send", text))

    def stop(self) -> None:
        self.told.append(("stop",))

    def answer_now(self) -> None:
        self.told.append(("answer_now",))

    def retry(self) -> None:
        self.told.append(("retry",))

    def resume(self) -> None:
        self.told.append(("resume",))

    def steer(self, text: str) -> None:
        self.told.append(("steer", text))

    def fork(self, message: int, characters: int) -> None:
        self.told.append(("fork", message, characters))

    def edit(self, message: int, text: str) -> None:
        self.told.append(("edit", message, text))

    def show_branch(self, message: int) -> None:
        self.told.append(("show_branch", message))

    def detach(self, index: int) -> None:
        self.told.append(("detach", index))
        del self.conversation.attached[index]
        self.listener(LedgerChanged())

    def set_chat_budget(self, budget: int | None) -> None:
        self.told.append(("set_chat_budget", budget))
        self.chat_budget = budget
        self.listener(LedgerChanged())

    def set_keep_thoughts(self, keep: bool | None) -> None:
        self.told.append(("set_keep_thoughts", keep))
        self.keeps_thoughts = bool(keep)
        self.listener(LedgerChanged())

    def free_memory(self) -> None:
        self.told.append(("free_memory",))
        self.say(EngineChanged(EngineView(EngineState.RESTING)))

    def drop_prefixes(self) -> None:
        self.told.append(("drop_prefixes",))

    def reading_time(self) -> float | None:
        return self.seconds

    def put_back(self, text: str) -> None:
        self.told.append(("put_back", text))
        self.conversation.draft = text + self.conversation.draft

    def delete_session(self, session_id: int) -> None:
        self.told.append(("delete_session", session_id))

    def restart_engine(self) -> None:
        self.told.append(("restart_engine",))

    def load_model(self, folder: str) -> None:
        self.told.append(("load_model", folder))

    def set_preference(self, key: str, value: object) -> None:
        self.told.append(("set_preference", key, value))
        self.preferences[key] = value

    def remember(self, key: str, value: object) -> None:
        self.preferences.state[key] = value

    def set_draft(self, text: str) -> None:
        self.told.append(("set_draft", text))
        self.conversation.draft = text
        self.budget = Ledger(self.budget.history, estimate_tokens(text), 0, self.budget.ceiling, exact=False)
        self.listener(LedgerChanged())

    def ledger(self) -> Ledger:
        return self.budget

    def close(self) -> None:
        self.told.append(("close",))


# scenes -----------------------------------------------------------------------------------------


def empty(desk: StageDesk) -> None:
    desk.engine = EngineView(EngineState.READY, card=samples.STARTER)
    desk.budget = Ledger(62, 0, 0, 8_192, exact=True)


def loading(desk: StageDesk) -> None:
    desk.engine = EngineView(EngineState.LOADING, "weights", 12, 42)
    desk.preferences["model"] = "/models/Magistral-Small-2509"
    desk.budget = Ledger(0, 0, 0, 0, exact=False)


def queued(desk: StageDesk) -> None:
    loading(desk)
    question = samples.ask(desk.sessions[0].id, "Is 2³¹ − 1 prime?")
    reply = samples.answer(question, "", state=State.RUNNING)
    desk.put(desk.sessions[0], [question, reply], Progress(reply.id))


def reading(desk: StageDesk) -> None:
    messages = samples.make_dialogue(desk.sessions[0].id)[:3]
    messages.append(samples.answer(messages[-1], "", state=State.RUNNING))
    desk.put(desk.sessions[0], messages, Progress(messages[-1].id, Phase.READING, read=312, to_read=1_204))


def thinking(desk: StageDesk) -> None:
    messages = samples.make_dialogue(desk.sessions[0].id)[:3]
    messages.append(samples.answer(messages[-1], "", samples.THOUGHT, state=State.RUNNING))
    progress = Progress(
        messages[-1].id,
        Phase.THINKING,
        reasoning_tokens=312,
        reasoning_seconds=17.2,
        tokens_per_second=18.4,
    )
    desk.running.add(desk.sessions[3].id)
    desk.put(desk.sessions[0], messages, progress)


def answering(desk: StageDesk) -> None:
    thinking(desk)
    reply = desk.conversation.messages[-1]
    desk.say(TextAppended(reply.session, reply.id, Kind.TEXT, samples.ANSWER[:170]))
    desk.say(
        ProgressChanged(
            reply.session,
            Progress(reply.id, Phase.ANSWERING, reasoning_tokens=330, reasoning_seconds=18.0, tokens_per_second=18.4),
        )
    )


def folded(desk: StageDesk) -> None:
    desk.put(desk.sessions[0], samples.make_dialogue(desk.sessions[0].id))


def unfolded(desk: StageDesk) -> None:
    desk.preferences["fold_thoughts"] = False
    desk.put(desk.sessions[0], samples.make_dialogue(desk.sessions[0].id))


def failed(desk: StageDesk) -> None:
    messages = samples.make_dialogue(desk.sessions[0].id)[:3]
    messages.append(
        samples.answer(
            messages[-1],
            "A four-line script conf",
            samples.THOUGHT,
            State.FAILED,
            ThoughtEnd.ITSELF,
            samples.STOPPED,
        )
    )
    desk.engine = EngineView(EngineState.STOPPED, failure=samples.STOPPED)
    desk.put(desk.sessions[0], messages)


def trouble(desk: StageDesk) -> None:
    missing = Failure(
        "ModelBroken",
        "The model in Magistral-Small-2509 cannot be used.",
        "Two of its five weight files are missing. Finish the download, or choose another folder.",
        "model.choose",
    )
    desk.engine = EngineView(EngineState.FAILED, failure=missing)
    question = samples.ask(desk.sessions[0].id, "Is 2³¹ − 1 prime?")
    reply = samples.answer(question, "", "Small factors first. 2³¹ − 1", State.INTERRUPTED, ThoughtEnd.UNFINISHED)
    desk.put(desk.sessions[0], [question, reply])


def noticed(desk: StageDesk) -> None:
    folded(desk)
    desk.say(
        Noticed(
            Failure(
                "StoreFailed",
                "The database was damaged and has been kept aside.",
                "A new one was started. The old one is lemma-2026-11-23.damaged in the data folder.",
            )
        )
    )


def scripts(desk: StageDesk) -> None:
    question = samples.ask(desk.sessions[5].id, samples.MIXED)
    desk.put(desk.sessions[5], [question, samples.answer(question, samples.SCRIPTS, samples.THOUGHT)])


def stopped(desk: StageDesk) -> None:
    session = desk.sessions[1].id
    question = samples.ask(session, "Summarise the covenant, please.", files=("Loan agreement 2019.pdf", "notes.md"))
    reply = samples.answer(question, samples.FIRST[:90], samples.THOUGHT, State.STOPPED, ThoughtEnd.USER)
    desk.put(desk.sessions[1], [question, reply])
    desk.allow(answer_now=False)


def cut(desk: StageDesk) -> None:
    session = desk.sessions[1].id
    question = samples.ask(session, "Write it all out, please.")
    desk.put(
        desk.sessions[1], [question, samples.answer(question, samples.FIRST[:190], samples.THOUGHT, cut=End.LIMIT)]
    )
    desk.budget = Ledger(40_960, 0, 0, 40_960, exact=True)
    desk.allow(answer_now=False)


def jumping(desk: StageDesk) -> None:
    """A reader who scrolled up while the answer goes on; the pointer and a long draft elsewhere."""
    thinking(desk)
    reply = desk.conversation.messages[-1]
    desk.say(TextAppended(reply.session, reply.id, Kind.REASONING, "\n\n" + samples.THOUGHT * 8))
    desk.conversation.draft = "A draft of\nthree lines, the last of which is rather long " + "and goes on " * 20


def looped(desk: StageDesk) -> None:
    """A thought that the guard stopped."""
    question = samples.ask(desk.sessions[0].id, "Is 2³¹ − 1 prime?")
    reply = samples.answer(question, "", samples.THOUGHT, State.STOPPED, ThoughtEnd.LOOP, cut=End.LOOP)
    desk.put(desk.sessions[0], [question, reply])
    desk.allow()


def paused(desk: StageDesk) -> None:
    """A thought that was stopped and can go on."""
    question = samples.ask(desk.sessions[0].id, "Is 2³¹ − 1 prime?")
    reply = samples.answer(question, "", samples.THOUGHT, State.STOPPED, ThoughtEnd.UNFINISHED, cut=End.USER)
    desk.put(desk.sessions[0], [question, reply])
    desk.allow()


def interrupted(desk: StageDesk) -> None:
    """An answer of whose engine nothing was heard any more."""
    question = samples.ask(desk.sessions[5].id, samples.MIXED)
    reply = samples.answer(question, samples.SCRIPTS[:90], samples.THOUGHT, State.INTERRUPTED, ThoughtEnd.ITSELF)
    desk.put(desk.sessions[5], [question, reply])
    desk.allow(answer_now=False)


def steered(desk: StageDesk) -> None:
    """A thought with the user's words in it."""
    thinking(desk)
    reply = desk.conversation.messages[-1]
    for kind, text in samples.STEERED:
        desk.say(TextAppended(reply.session, reply.id, kind, text))


def resumed(desk: StageDesk) -> None:
    """An answer that goes on: what there is of it is read first."""
    messages = samples.make_dialogue(desk.sessions[0].id)[:3]
    reply = samples.answer(messages[-1], samples.ANSWER[:170], samples.THOUGHT, State.RUNNING)
    progress = Progress(
        reply.id,
        Phase.READING,
        read=512,
        to_read=2_204,
        reasoning_tokens=1_284,
        reasoning_seconds=41.2,
        seconds_left=21.0,
    )
    desk.put(desk.sessions[0], [*messages, reply], progress)


def resting(desk: StageDesk) -> None:
    folded(desk)
    desk.preferences["model"] = "/models/Magistral-Small-2509"
    desk.say(EngineChanged(EngineView(EngineState.RESTING)))


def reading_long(desk: StageDesk) -> None:
    session = desk.sessions[1].id
    question = samples.ask(session, "Summarise the covenant, please.", files=("Loan agreement 2019.pdf", "notes.md"))
    reply = samples.answer(question, "", state=State.RUNNING)
    progress = Progress(reply.id, Phase.READING, read=1_024, to_read=8_000, seconds_left=70.0)
    desk.put(desk.sessions[1], [question, reply], progress)


def estimated(desk: StageDesk) -> None:
    """What a question costs, told before it is sent."""
    folded(desk)
    desk.seconds = 100.0
    desk.conversation.draft = "And what does section 14.2 say about the guarantor?"


def attached(desk: StageDesk) -> None:
    """Documents that go along, one with a long name and one in another script."""
    folded(desk)
    desk.seconds = 100.0
    desk.conversation.attached = [Part(Kind.DOCUMENT, "…", name=name) for name in samples.FILES]
    desk.conversation.draft = "What binds the guarantor after the sale?"


def versions(desk: StageDesk) -> None:
    """A question asked in two ways, the shown one answered three times."""
    folded(desk)
    question, reply = desk.conversation.messages[-2:]
    desk.conversation.others = [
        samples.ask(question.session, "Check it.", question.parent),
        samples.answer(question, "Yes."),
        samples.answer(question, "Perhaps.", message_id=reply.id - 1),
    ]
    desk.listener(ConversationOpened())


def editing(desk: StageDesk) -> None:
    """A question that is being put into other words."""
    folded(desk)


def steering(desk: StageDesk) -> None:
    """A correction is being typed while the thought runs."""
    thinking(desk)
    desk.conversation.draft = "Use exact fractions, not decimals."


def keys(desk: StageDesk) -> None:
    folded(desk)


def menus(desk: StageDesk) -> None:
    folded(desk)


def models(desk: StageDesk) -> None:
    folded(desk)


def long_list(desk: StageDesk) -> None:
    desk.sessions[:] = samples.make_sessions(500)
    desk.put(desk.sessions[4], samples.make_long(desk.sessions[4].id, 500))


SCENES: tuple[Callable[[StageDesk], None], ...] = (
    empty,
    loading,
    queued,
    reading,
    thinking,
    answering,
    folded,
    unfolded,
    failed,
    trouble,
    noticed,
    scripts,
    stopped,
    cut,
    menus,
    models,
    jumping,
    looped,
    paused,
    interrupted,
    steered,
    steering,
    resumed,
    resting,
    reading_long,
    estimated,
    attached,
    versions,
    editing,
    keys,
    long_list,
)


def main(folder: Path, only: list[str]) -> None:
    """Save a picture of each scene, light and dark, wide and small."""
    from app.ui.desktop import make_application
    from app.ui.photographer import take_screenshot
    from app.ui.theme import Theme
    from app.ui.window import Window
    from tests.ui import readscenes, shelfscenes

    app = make_application()
    theme = Theme(app, "light")
    for scene in (*SCENES, *shelfscenes.SCENES, *readscenes.SCENES):
        if only and scene.__name__ not in only:
            continue
        for size in ((1280, 800), (800, 600)):
            desk = StageDesk()
            window = Window(desk, theme)  # type: ignore[arg-type]
            window.resize(*size)
            window.show()
            window.activateWindow()
            pose(window, desk, scene)
            for look in ("light", "dark"):
                theme.choose(look)
                for _turn in range(20):
                    app.processEvents()
                take_screenshot(window, folder / f"{scene.__name__}-{look}-{size[0]}.png")
                opened: dict[Callable[[StageDesk], None], list[QMenu]] = {
                    menus: [window.menu, window.menus["chat"], window.menus["view"]],
                    models: [window.menus["model"]],
                }
                for menu in opened.get(scene, []):
                    menu.ensurePolished()
                    menu.resize(menu.sizeHint())
                    menu.grab().save(str(folder / f"{scene.__name__}-{menu.title()}-{look}.png"))
                shelfscenes.save_sheets(window, folder / f"{scene.__name__}-sheet-{look}-{size[0]}.png")
            window.close()
            window.deleteLater()


def pose(window: "Window", desk: StageDesk, scene: Callable[[StageDesk], None]) -> None:
    """Set a scene, and do what a person has done in it."""
    from app.ui.transcript.thought import ThoughtHeader
    from tests.ui import readscenes, shelfscenes

    if scene is trouble:
        desk.preferences["model"] = "/models/Magistral-Small-2509"
    scene(desk)
    window._show_all()
    if scene is keys:
        window.show_keys()
    if scene is editing:
        window.edit_question()
    if scene in {answering, noticed, steered, jumping}:
        scene(desk)
    if act := readscenes.SCENES.get(scene) or shelfscenes.SCENES.get(scene):
        act(window, desk)
    if scene is jumping:
        window.composer.show_draft(desk.conversation.draft)
        QApplication.processEvents()
        window.transcript.verticalScrollBar().setValue(60)
        window.findChildren(ThoughtHeader)[-1].setFocus()


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("QT_SCALE_FACTOR", "2")
    main(Path(sys.argv[1]), sys.argv[2:])
