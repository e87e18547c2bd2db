"""A desk-shaped object filled with samples, for tests of widgets and for pictures to look at.

`.venv/bin/python -m tests.ui.stage FOLDER` saves the pictures of all scenes.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

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
    TextAppended,
)
from app.core.budget import Ledger, estimate_tokens
from app.core.errors import Failure
from app.core.messages import End, Kind, Message, Session, State, ThoughtEnd
from app.core.settings import SETTINGS
from tests.ui import samples


class Preferences(dict[str, object]):
    """The defaults, and what a test changes."""

    def __init__(self) -> None:
        super().__init__({row.key: row.default for row in SETTINGS})
        self.state: dict[str, object] = {}

    def get_state(self, key: str, default: object = None) -> object:
        return self.state.get(key, default)


def open_chat(
    session: Session | None = None, messages: list[Message] | None = None, progress: Progress | None = None
) -> SimpleNamespace:
    """What the window reads of a conversation."""
    running = SimpleNamespace(progress=progress) if progress else None
    return SimpleNamespace(session=session, messages=messages or [], running=running, draft="")


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
        self.budget = Ledger(9_300, 112, 0, 40_960, exact=True)
        self.conversation = open_chat()
        self.by_session: dict[int, list[Message]] = {}

    # what a scene sets --------------------------------------------------------------------------

    def put(self, session: Session, messages: list[Message], progress: Progress | None = None) -> None:
        """Put a chat on the desk."""
        self.by_session[session.id] = messages
        self.conversation = open_chat(session, messages, progress)
        if progress:
            self.running.add(session.id)
        self.listener(ConversationOpened())

    def say(self, change: Change) -> None:
        """Tell the window."""
        if isinstance(change, EngineChanged):
            self.engine = change.view
        if isinstance(change, MessageAdded):
            self.conversation.messages.append(change.message)
        if isinstance(change, MessageChanged):
            messages = self.conversation.messages
            messages[:] = [change.message if one.id == change.message.id else one for one in messages]
            self.conversation.running = None
            self.running.discard(change.message.session)
        if isinstance(change, ProgressChanged):
            self.conversation.running = SimpleNamespace(progress=change.progress)
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
        self.conversation = open_chat()
        self.listener(ConversationOpened())

    def send(self, text: str) -> None:
        self.told.append(("send", text))

    def stop(self) -> None:
        self.told.append(("stop",))

    def answer_now(self) -> None:
        self.told.append(("answer_now",))

    def retry(self) -> None:
        self.told.append(("retry",))

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


def cut(desk: StageDesk) -> None:
    session = desk.sessions[1].id
    question = samples.ask(session, "Write it all out, please.")
    desk.put(
        desk.sessions[1], [question, samples.answer(question, samples.FIRST[:190], samples.THOUGHT, cut=End.LIMIT)]
    )
    desk.budget = Ledger(40_960, 0, 0, 40_960, exact=True)


def jumping(desk: StageDesk) -> None:
    """A reader who scrolled up while the answer goes on; the pointer and a long draft elsewhere."""
    thinking(desk)
    reply = desk.conversation.messages[-1]
    desk.say(TextAppended(reply.session, reply.id, Kind.REASONING, "\n\n" + samples.THOUGHT * 8))
    desk.conversation.draft = "A draft of\nthree lines, the last of which is rather long " + "and goes on " * 20


def keys(desk: StageDesk) -> None:
    folded(desk)


def menus(desk: StageDesk) -> None:
    folded(desk)


def models(desk: StageDesk) -> None:
    folded(desk)


def long_list(desk: StageDesk) -> None:
    desk.sessions[:] = samples.make_sessions(500)
    desk.put(desk.sessions[4], samples.make_long(desk.sessions[4].id, 500))


SCENES = (
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
    keys,
    long_list,
)


def main(folder: Path, only: list[str]) -> None:
    """Save a picture of each scene, light and dark, wide and small."""
    from app.ui.desktop import make_application
    from app.ui.photographer import take_screenshot
    from app.ui.theme import Theme
    from app.ui.transcript.thought import ThoughtHeader
    from app.ui.window import Window

    app = make_application()
    theme = Theme(app, "light")
    for scene in SCENES:
        if only and scene.__name__ not in only:
            continue
        for size in ((1280, 800), (800, 600)):
            desk = StageDesk()
            window = Window(desk, theme)  # type: ignore[arg-type]
            window.resize(*size)
            window.show()
            window.activateWindow()
            if scene is trouble:
                desk.preferences["model"] = "/models/Magistral-Small-2509"
            scene(desk)
            window._show_all()
            if scene is keys:
                window.show_keys()
            if scene is answering:
                scene(desk)
            if scene is noticed:
                scene(desk)
            if scene is jumping:
                scene(desk)
                window.composer.show_draft(desk.conversation.draft)
                app.processEvents()
                window.transcript.verticalScrollBar().setValue(60)
                window.findChildren(ThoughtHeader)[-1].setFocus()
            for look in ("light", "dark"):
                theme.choose(look)
                for _turn in range(20):
                    app.processEvents()
                take_screenshot(window, folder / f"{scene.__name__}-{look}-{size[0]}.png")
                for menu in {menus: [window.menu, window.menus["view"]], models: [window.menus["model"]]}.get(
                    scene, []
                ):
                    menu.ensurePolished()
                    menu.adjustSize()
                    menu.grab().save(str(folder / f"{scene.__name__}-{menu.title()}-{look}.png"))
            window.close()
            window.deleteLater()


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("QT_SCALE_FACTOR", "2")
    main(Path(sys.argv[1]), sys.argv[2:])
