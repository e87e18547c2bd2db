"""The model library in the window."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, QRect, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QPaintEvent
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from app.chat.changes import TextAppended
from app.chat.shelfrow import Place, Presence, ShelfRow, Transfer
from app.core.errors import Failure
from app.core.fetching import FileChecked, FileCondition, Listed, Stage
from app.core.messages import Kind
from app.ui.library.face import Surroundings, Verb, draw_face
from app.ui.library.removal import RemovalQuestion
from app.ui.library.row import ModelRow
from app.ui.library.words import say_amount, say_checked, say_rate, say_used
from app.ui.transcript.answer import Answer
from app.ui.window import Window
from tests.ui import shelfscenes, stage
from tests.ui.conftest import Open
from tests.ui.hands import CONTROL, SHIFT, click, focused, press, write
from tests.ui.stage import StageDesk
from tests.ui.stageshelf import DRAFT, EIGHT, MAC, MAGISTRAL, MINISTRAL, REASON, STARTER, coming, on_disk

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def see(row: ShelfRow, **around: Any) -> Any:
    return draw_face(row, Surroundings(**{"machine": MAC, "now": NOW, **around}))


def verbs(row: ShelfRow) -> list[Verb]:
    return [action.verb for action in see(row).actions]


def rows(window: Window) -> list[ModelRow]:
    return window.library.sheet.rows


def labels(window: Window) -> list[str]:
    return [row.face.title for row in rows(window)]


def open_library(window: Window) -> None:
    press(Qt.Key.Key_L, CONTROL | SHIFT)
    assert window.in_library


# what a row says --------------------------------------------------------------------------------


def test_a_model_on_the_disk_says_its_numbers_and_where_it_lies() -> None:
    row = on_disk(MAGISTRAL, Place.LM_STUDIO, loaded=True, default=True, used=NOW.timestamp() - 86_400)
    fit = "fits with 49,046 tokens of context here"
    face = see(row)
    assert face.standing == "loaded · default"
    assert [line.text for line in face.lines] == [
        "Proofs, code and plans: the newest release of Magistral Small, and the one to begin with.",
        f"4-bit · 14.1 GB on disk · needs 14.8 GB of memory · {fit} · last used yesterday",
        "In LM Studio’s folder, used in place · Apache-2.0",
    ]


def test_the_advised_model_says_why_and_one_that_nobody_has_tried_says_so() -> None:
    face = see(replace(MAGISTRAL, advised=True, proven=False), reason=REASON)
    assert face.standing == "advised"
    assert face.lines[-1].text == REASON
    assert "not proven to work" in face.text


def test_a_model_that_does_not_fit_shows_numbers_and_what_fits_in_place_of_use() -> None:
    face = see(on_disk(EIGHT), fitting=MAGISTRAL)
    assert "It needs 26.6 GB of memory; this machine can give 22.9 GB. Magistral Small 1.2 fits." in face.text
    assert Verb.USE not in verbs(on_disk(EIGHT))
    assert not see(on_disk(EIGHT)).first


@pytest.mark.parametrize(
    ("row", "words", "offered"),
    [
        (coming(MAGISTRAL, 4_200_000_000), "4.2 of 14.1 GB · 52 MB/s · about 3 min 10 s left", ["pause", "give up"]),
        (coming(MAGISTRAL, 0, Presence.QUEUED), "Waits for the download before it", ["pause", "give up"]),
        (
            coming(MAGISTRAL, 10**9, Presence.WAITING),
            "Waits for the hub · 1.0 of 14.1 GB",
            ["pause", "go on", "give up"],
        ),
        (coming(MAGISTRAL, 10**9, Presence.PAUSED), "Paused · 1.0 of 14.1 GB", ["go on", "give up"]),
        (coming(MAGISTRAL, 10**9, Presence.STOPPED), "Stopped · 1.0 of 14.1 GB", ["go on", "give up"]),
        (
            coming(MAGISTRAL, 0, transfer=Transfer(Stage.CHECKING, 10**9, 4 * 10**9)),
            "Checking · 1.0 of 4 GB",
            ["pause", "give up"],
        ),
        (
            coming(MAGISTRAL, 0, transfer=Transfer(Stage.LISTING, 0, 0)),
            "Reading the list of files…",
            ["pause", "give up"],
        ),
        (replace(on_disk(MAGISTRAL), transfer=Transfer(Stage.MOVING, 10**9, 4 * 10**9)), "Moving · 1.0 of 4 GB", []),
    ],
)
def test_what_is_on_its_way_says_how_far_it_is(row: ShelfRow, words: str, offered: list[str]) -> None:
    assert see(row).moving == words
    assert [verb.value for verb in verbs(row)] == offered


def test_only_downloads_of_the_app_are_verified_and_deleted() -> None:
    house = {Verb.VERIFY, Verb.DELETE}
    assert house <= set(verbs(on_disk(MAGISTRAL)))
    assert house.isdisjoint(verbs(on_disk(MAGISTRAL, Place.LM_STUDIO)))
    assert verbs(STARTER) == [Verb.DETAILS]
    assert verbs(on_disk(DRAFT))[0] is Verb.GUESS


@pytest.mark.parametrize(
    ("days", "words"),
    [(0, "last used today"), (1, "last used yesterday"), (3, "last used 3 days ago"), (30, "last used on 2026-10-24")],
)
def test_days_since_a_model_was_used(days: int, words: str) -> None:
    assert say_used(NOW.timestamp() - days * 86_400, NOW) == words


def test_amounts_and_speeds() -> None:
    assert say_amount(4_210_000_000, 14_140_000_000) == "4.2 of 14.1 GB"
    assert say_amount(0, 335_000_000) == "0 of 335 MB"
    assert [say_rate(rate) for rate in (52_300_000.0, 1_230_000.0, 400_000.0, 12_300.0)] == [
        "52 MB/s",
        "1.2 MB/s",
        "0.4 MB/s",
        "12 kB/s",
    ]


def test_what_a_comparison_found() -> None:
    def check(*conditions: FileCondition) -> str:
        return say_checked([FileChecked(f"f{at}", 1, one) for at, one in enumerate(conditions)])

    whole, damaged, unknown = FileCondition.WHOLE, FileCondition.DAMAGED, FileCondition.UNKNOWN
    assert check() == ""
    assert check(whole, whole) == "2 files are as the hub has them."
    assert check(whole, unknown) == "1 file is as the hub has it. 1 has nothing to be compared with."
    assert check(unknown) == "There is nothing to compare its files with."
    assert check(whole, damaged) == "1 of 2 files are damaged or missing: f1."
    assert check(*[damaged] * 5) == "5 of 5 files are damaged or missing: f0, f1, f2 and 2 more."


# the page ---------------------------------------------------------------------------------------


def test_the_library_takes_the_chats_place_and_escape_gives_it_back(window: Window, desk: StageDesk) -> None:
    stage.thinking(desk)
    shelfscenes.library(desk)
    open_library(window)
    assert not window.transcript.isVisible()
    assert not window.composer.isVisible()
    assert labels(window)[0] == "Magistral Small 1.2"
    desk.told.clear()
    press(Qt.Key.Key_Escape)
    assert not window.in_library
    assert window.transcript.isVisible()
    assert window.composer.editor.hasFocus()
    assert ("stop",) not in desk.told
    press(Qt.Key.Key_Escape)
    assert ("stop",) in desk.told


def test_the_command_leads_there_and_back(window: Window, desk: StageDesk) -> None:
    open_library(window)
    press(Qt.Key.Key_L, CONTROL | SHIFT)
    assert not window.in_library
    open_library(window)
    click(window.library.back)
    assert not window.in_library


def test_an_answer_goes_on_behind_the_library(window: Window, desk: StageDesk) -> None:
    stage.answering(desk)
    reply = desk.conversation.messages[-1]
    desk.say(TextAppended(reply.session, reply.id, Kind.TEXT, "One. "))
    open_library(window)
    desk.say(TextAppended(reply.session, reply.id, Kind.TEXT, "Two."))
    press(Qt.Key.Key_Escape)
    turn = window.transcript.turns[-1]
    assert isinstance(turn, Answer)
    assert window.transcript.isVisible()
    window.transcript.flush()
    assert turn.sections[-1].source.rstrip().endswith("One. Two.")


def test_a_chat_of_the_list_leads_back_even_the_open_one(window: Window, desk: StageDesk) -> None:
    stage.folded(desk)
    open_library(window)
    chats = window.sidebar.list
    click(chats.viewport(), chats.visualRect(chats.chats.index(1)).center())
    assert not window.in_library


def test_what_is_typed_in_the_library_does_not_go_to_the_chat(window: Window, desk: StageDesk) -> None:
    shelfscenes.library(desk)
    open_library(window)
    write("x")
    assert window.in_library
    assert window.composer.text() == ""


def test_the_sections_stand_in_order_the_advised_model_first(window: Window, desk: StageDesk) -> None:
    desk.shelf.put(EIGHT, MAGISTRAL, coming(MINISTRAL, 1), STARTER, advised=MAGISTRAL.key)
    open_library(window)
    assert labels(window) == [STARTER.label, MINISTRAL.label, MAGISTRAL.label, EIGHT.label]
    assert [title for title, _rows, _nothing in window.library.sheet._sections] == [
        "Installed",
        "On its way",
        "To be had",
    ]


def test_arrows_go_from_row_to_row_and_tab_walks_the_buttons(window: Window, desk: StageDesk) -> None:
    shelfscenes.library(desk)
    open_library(window)
    first, second = rows(window)[:2]
    assert first.hasFocus()
    press(Qt.Key.Key_Up)
    assert first.hasFocus()
    press(Qt.Key.Key_Down)
    assert second.hasFocus()
    walked = []
    for _ in second.buttons:
        press(Qt.Key.Key_Tab)
        walked.append(focused())
    assert walked == list(second.buttons.values())
    press(Qt.Key.Key_Tab)
    assert rows(window)[2].hasFocus()
    press(Qt.Key.Key_Backtab)
    press(Qt.Key.Key_Up)
    assert first.hasFocus()
    press(Qt.Key.Key_End)
    assert rows(window)[-1].hasFocus()
    press(Qt.Key.Key_Home)
    assert first.hasFocus()


def test_return_does_the_first_thing_and_leads_back_to_the_chat(window: Window, desk: StageDesk) -> None:
    shelfscenes.library(desk)
    open_library(window)
    press(Qt.Key.Key_Down)
    press(Qt.Key.Key_Return)
    assert desk.told == [("use", rows(window)[1].key)]
    assert not window.in_library


@pytest.mark.parametrize(
    ("row", "verb", "told"),
    [
        (MAGISTRAL, Verb.DOWNLOAD, "download"),
        (coming(MAGISTRAL, 1), Verb.PAUSE, "pause"),
        (coming(MAGISTRAL, 1, Presence.PAUSED), Verb.GO_ON, "download"),
        (on_disk(MAGISTRAL), Verb.USE, "use"),
        (on_disk(MAGISTRAL), Verb.DEFAULT, "set_default"),
        (on_disk(MAGISTRAL), Verb.VERIFY, "verify"),
        (on_disk(DRAFT), Verb.GUESS, "use"),
        (replace(on_disk(MAGISTRAL), presence=Presence.BROKEN), Verb.MEND, "download"),
    ],
)
def test_a_button_does_what_it_says(row: ShelfRow, verb: Verb, told: str, window: Window, desk: StageDesk) -> None:
    desk.shelf.put(row)
    open_library(window)
    click(rows(window)[0].buttons[verb])
    assert desk.told == [(told, row.key)]


def test_the_disk_is_searched_when_the_library_opens_and_when_it_is_asked_for(window: Window, desk: StageDesk) -> None:
    desk.shelf.put(replace(on_disk(MAGISTRAL), presence=Presence.ABSENT))
    open_library(window)
    assert desk.shelf.searches == 1
    click(rows(window)[0].buttons[Verb.LOOK])
    assert desk.shelf.searches == 2


@pytest.mark.parametrize(("key", "unfinished"), [(Qt.Key.Key_Delete, False), (Qt.Key.Key_Backspace, True)])
def test_the_delete_key_asks_first_and_keeps_unless_told_otherwise(
    key: Qt.Key, unfinished: bool, window: Window, desk: StageDesk
) -> None:
    row = coming(MAGISTRAL, 4_200_000_000) if unfinished else on_disk(MAGISTRAL, default=True)
    desk.shelf.put(row)
    open_library(window)
    press(key)
    question = window.findChild(RemovalQuestion)
    assert question
    assert question.defaultButton() is question.keep
    said = question.informativeText()
    assert ("4.2 GB" in said) if unfinished else ("Trash" in said and "starter" in said)
    click(question.keep)
    assert desk.told == []
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    press(key)
    question = window.findChild(RemovalQuestion)
    assert question
    click(question.delete)
    assert desk.told == [("discard" if unfinished else "delete", row.key)]


def test_a_disk_without_a_trash_is_said_before_a_model_is_gone_for_good(window: Window, desk: StageDesk) -> None:
    desk.shelf.trash = False
    desk.shelf.put(on_disk(MAGISTRAL))
    window.do_with_model("delete", on_disk(MAGISTRAL).key)
    question = window.findChild(RemovalQuestion)
    assert question
    assert "for good" in question.informativeText()


def test_a_token_is_asked_for_where_it_is_needed_and_not_shown(window: Window, desk: StageDesk) -> None:
    row = coming(MAGISTRAL, 0, Presence.STOPPED, failure=shelfscenes.TOKEN_NEEDED)
    desk.shelf.put(row)
    open_library(window)
    field = rows(window)[0].field
    assert field
    assert field.echoMode() is field.EchoMode.Password
    press(Qt.Key.Key_Tab)
    assert field.hasFocus()
    write("hf_secret")
    press(Qt.Key.Key_Return)
    assert desk.told == [("download", row.key, "hf_secret")]
    assert field.text() == ""
    desk.shelf.change(row.key, failure=None, presence=Presence.FETCHING)
    assert not field.isVisible()


def test_progress_repaints_only_its_place(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    desk.shelf.put(on_disk(MINISTRAL), coming(MAGISTRAL, 10**9))
    open_library(window)
    qtbot.waitExposed(window)
    QApplication.processEvents()
    other, moving = rows(window)
    painted = Painted()
    for row in (other, moving):
        row.installEventFilter(painted)
    desk.shelf.put(on_disk(MINISTRAL), coming(MAGISTRAL, 5 * 10**9))
    qtbot.waitUntil(lambda: "5.0 of 14.1 GB" in moving.face.moving and bool(painted.seen))
    assert {widget for widget, _box in painted.seen} == {moving}
    assert all(box.height() <= moving._moving_box.height() + 2 for _widget, box in painted.seen)


class Painted(QObject):
    """Notes what is painted, and how much of it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[QObject, QRect]] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if isinstance(event, QPaintEvent):
            self.seen.append((watched, event.rect()))
        return False


def test_progress_that_comes_often_is_shown_at_most_four_times_a_second(
    window: Window, desk: StageDesk, qtbot: QtBot
) -> None:
    desk.shelf.put(coming(MAGISTRAL, 0))
    open_library(window)
    row = rows(window)[0]
    shown = {row.face.moving}
    for step in range(1, 100):
        desk.shelf.put(coming(MAGISTRAL, step * 10**8))
        shown.add(row.face.moving)
    assert len(shown) <= 3
    qtbot.waitUntil(lambda: row.face.moving.startswith("9.9 of 14.1 GB"))


def test_rows_keep_the_keyboard_and_their_place_while_things_change(open_window: Open, desk: StageDesk) -> None:
    shelfscenes.library_many(desk)
    window = open_window(desk, (900, 700))
    open_library(window)
    for _ in range(30):
        press(Qt.Key.Key_Down)
    row = rows(window)[30]
    assert row.hasFocus()
    bar = window.library.area.verticalScrollBar()
    place = row.y() - bar.value()
    assert 0 <= place <= window.library.area.viewport().height() - row.height()
    desk.shelf.put(coming(MAGISTRAL, 5), *desk.shelf.rows[5:], STARTER)
    assert row.hasFocus()
    assert row.y() - bar.value() == place
    widgets = {one.key: one for one in rows(window)}
    desk.shelf.put(*desk.shelf.rows)
    assert {one.key: one for one in rows(window)} == widgets


def test_a_button_that_changes_hands_the_keyboard_on(window: Window, desk: StageDesk) -> None:
    desk.shelf.put(coming(MAGISTRAL, 10**9))
    open_library(window)
    press(Qt.Key.Key_Tab)
    press(Qt.Key.Key_Return)
    assert desk.told == [("pause", MAGISTRAL.key)]
    desk.shelf.put(coming(MAGISTRAL, 10**9, Presence.PAUSED))
    assert focused() is rows(window)[0].buttons[Verb.GO_ON]


def test_a_row_that_goes_hands_the_keyboard_to_its_neighbour(window: Window, desk: StageDesk) -> None:
    desk.shelf.put(on_disk(MAGISTRAL), on_disk(MINISTRAL), STARTER)
    open_library(window)
    press(Qt.Key.Key_Down)
    desk.shelf.put(on_disk(MAGISTRAL), STARTER)
    assert rows(window)[1].hasFocus()
    assert rows(window)[1].face.title == STARTER.label


def test_a_row_is_known_again_where_its_key_became_a_folder(window: Window, desk: StageDesk) -> None:
    desk.shelf.put(MINISTRAL, MAGISTRAL)
    open_library(window)
    press(Qt.Key.Key_Down)
    row = rows(window)[1]
    desk.shelf.put(MINISTRAL, on_disk(MAGISTRAL))
    assert rows(window)[0] is row
    assert row.hasFocus()


# adding -----------------------------------------------------------------------------------------


def test_a_model_is_added_by_its_name_with_keys_alone(window: Window, desk: StageDesk) -> None:
    open_library(window)
    window.library.sheet.head.name_button.setFocus()
    press(Qt.Key.Key_Return)
    adding = window.library.sheet.adding
    assert adding.field.hasFocus()
    write("mlx-community/Small")
    press(Qt.Key.Key_Return)
    assert desk.told == [("look_up", "mlx-community/Small")]
    assert not adding.found.isVisible()
    desk.shelf.answer(Listed("mlx-community/Small", "c", 7_420_000_000, 11, "MIT", "ministral3", 6))
    assert adding.found.face.lines[0].text == "ministral3 · 6-bit · 7.4 GB to download · 11 files · MIT"
    for _ in range(3):
        press(Qt.Key.Key_Tab)
    assert focused() is adding.found.buttons[Verb.DOWNLOAD]
    press(Qt.Key.Key_Return)
    assert desk.told[-1] == ("download", "mlx-community/Small")
    assert not adding.isVisible()


def test_a_name_that_leads_nowhere_says_so_and_escape_leaves_only_the_field(window: Window, desk: StageDesk) -> None:
    open_library(window)
    click(window.library.sheet.head.name_button)
    adding = window.library.sheet.adding
    write("nobody/nothing")
    press(Qt.Key.Key_Return)
    desk.shelf.answer(Failure("HubRefused", "There is no nobody/nothing.", "Check the name."))
    assert adding.found.face.lines[0].text == "There is no nobody/nothing. Check the name."
    assert adding.found.buttons == {}
    press(Qt.Key.Key_Escape)
    assert not adding.isVisible()
    assert window.in_library


def test_a_name_that_needs_a_token_takes_one(window: Window, desk: StageDesk) -> None:
    open_library(window)
    click(window.library.sheet.head.name_button)
    adding = window.library.sheet.adding
    write("mistralai/Gated")
    press(Qt.Key.Key_Return)
    desk.shelf.answer(shelfscenes.TOKEN_NEEDED)
    field = adding.found.field
    assert field
    field.setFocus()
    write("hf_secret")
    click(adding.found.buttons[Verb.DOWNLOAD])
    assert desk.told[-1] == ("download", "mistralai/Gated", "hf_secret")


def test_what_is_larger_than_the_machine_can_give_is_said_before_it_is_fetched(window: Window, desk: StageDesk) -> None:
    open_library(window)
    click(window.library.sheet.head.name_button)
    write("big/Model")
    press(Qt.Key.Key_Return)
    desk.shelf.answer(Listed("big/Model", "c", 60 * 10**9, 11))
    face = window.library.sheet.adding.found.face
    assert "larger than the 22.9 GB" in face.text
    assert not face.first


def test_downloads_are_moved_to_a_chosen_folder_and_it_is_said_how_far_that_is(
    window: Window, desk: StageDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", staticmethod(lambda *_: "/Volumes/Attic"))
    open_library(window)
    head = window.library.sheet.head
    assert "Lemma/models" in head.words
    click(head.move_button)
    assert desk.told == [("move", "/Volumes/Attic")]
    desk.shelf.moving = Transfer(Stage.MOVING, 10**9, 4 * 10**9)
    desk.shelf.put(STARTER, MAGISTRAL)
    assert head.words.endswith("1.0 of 4 GB")
    assert not head.move_button.isEnabled()


def test_a_disk_that_is_not_connected_is_said(window: Window, desk: StageDesk) -> None:
    shelfscenes.library_unplugged(desk)
    open_library(window)
    assert window.library.sheet.head.words == "The disk Attic is not connected. Connect it, then look again."


def test_a_model_is_shown_in_the_file_manager(window: Window, desk: StageDesk) -> None:
    class Opener(QObject):
        def __init__(self) -> None:
            super().__init__()
            self.urls: list[QUrl] = []

        @Slot(QUrl)
        def open(self, url: QUrl) -> None:
            self.urls.append(url)

    opener = Opener()
    QDesktopServices.setUrlHandler("file", opener, "open")  # type: ignore[arg-type] # bytes are refused at run time
    try:
        desk.shelf.put(on_disk(MAGISTRAL))
        open_library(window)
        click(rows(window)[0].buttons[Verb.REVEAL])
    finally:
        QDesktopServices.unsetUrlHandler("file")
    assert [url.toLocalFile() for url in opener.urls] == [on_disk(MAGISTRAL).folder]


# the card ---------------------------------------------------------------------------------------


def test_the_card_of_the_loaded_model_says_what_was_found_about_it(window: Window, desk: StageDesk) -> None:
    shelfscenes.details(desk)
    open_library(window)
    click(rows(window)[0].buttons[Verb.DETAILS])
    shown = dict(window.details.rows)
    assert window.details.isVisible()
    assert shown["Weights"] == "4-bit, one scale for 64 weights"
    assert shown["Reasoning prompt"] == "from its makers’ repository"
    assert shown["Context"] == "40,960 tokens here; it was made for 131,072"
    assert shown["Files"] == "9 files are as the hub has them."
    assert shown["Warning"].startswith("Its tokenizer was written for another decoder. The app reads it rightly")
    press(Qt.Key.Key_Escape)
    assert not window.details.isVisible()
    assert window.in_library
    assert focused() is window.library.sheet.rows[0].buttons[Verb.DETAILS] or window.library.isAncestorOf(focused())


def test_a_model_that_is_not_loaded_shows_what_is_known_of_it(window: Window, desk: StageDesk) -> None:
    shelfscenes.details(desk)
    window.do_with_model("details", desk.shelf.rows[1].key)
    assert "Thinking" not in dict(window.details.rows)
    assert dict(window.details.rows)["Where"].endswith(desk.shelf.rows[1].folder)


def test_tab_stays_in_the_card(window: Window, desk: StageDesk) -> None:
    shelfscenes.details(desk)
    open_library(window)
    window.do_with_model("details", desk.shelf.rows[0].key)
    for _ in range(4):
        press(Qt.Key.Key_Tab)
        assert window.details.isAncestorOf(focused())


def test_rows_are_named_for_whoever_cannot_see_them(window: Window, desk: StageDesk) -> None:
    shelfscenes.library(desk)
    open_library(window)
    row = rows(window)[0]
    assert row.accessibleName() == "Magistral Small 1.2, loaded · default"
    assert "49,046 tokens" in row.accessibleDescription()
    assert row.buttons[Verb.DETAILS].accessibleName() == "Details: Magistral Small 1.2"
