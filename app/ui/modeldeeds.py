"""What a person can do with models at the window: the library, the switcher, folders that are dropped."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl, Slot
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog

from app.chat.shelfrow import ShelfRow
from app.core.errors import Failure
from app.core.protocol import ModelCard
from app.core.text import _
from app.ui.drop import DropOutline, FolderDrop
from app.ui.frame import Frame
from app.ui.library.details import Details
from app.ui.library.face import Verb
from app.ui.library.page import now
from app.ui.library.removal import RemovalQuestion
from app.ui.switcher import Switcher
from app.ui.theme import Theme
from app.ui.words import name_model

if TYPE_CHECKING:
    from app.chat.desk import Desk

READY = "ModelReady"
"""Kind of the notice that a download has come to its end."""


class ModelDeeds(Frame):
    """Hands on to the shelf what a person does with models, and shows what it says."""

    desk: "Desk"

    def __init__(self, desk: "Desk", theme: Theme, *, paint_log: Path | None = None) -> None:
        super().__init__(theme, paint_log=paint_log)
        self.desk = desk
        self.details = Details(theme, self._body)
        self.switcher = Switcher(theme, self._body)
        self._overlays += [self.details, self.switcher]
        self._outline = DropOutline(theme, self._body)
        self._drop = FolderDrop(self)
        self._drop.hovered.connect(self._outline.show_hover)
        self._drop.folders_dropped.connect(self.add_folders)
        self.setAcceptDrops(True)
        self.switcher.chosen.connect(self.use_model)
        self.switcher.all_asked.connect(self.show_library)
        self.library.left.connect(self.leave_library)
        self.library.sheet.asked.connect(self.do_with_model)
        self.library.sheet.token_given.connect(self._download_with)
        self.library.sheet.adding.look_asked.connect(self._look_up)
        self.library.sheet.adding.download_asked.connect(self._download_found)
        self.library.sheet.head.move_asked.connect(self.move_downloads)
        self.library.sheet.head.folder_asked.connect(self._ask_folder)
        self.empty.asked.connect(self.do_with_model)
        self.sidebar.download.clicked.connect(self.show_library)

    # the library and the switcher ---------------------------------------------------------------

    def toggle_library(self) -> None:
        """Show the models in the place of the chat, or the chat again."""
        if self.in_library:
            self.leave_library()
        else:
            self.show_library()

    @Slot()
    def show_library(self, wanted: str = "") -> None:
        """Show the models in the place of the chat, with the keyboard on the wanted one."""
        self.leave_sidebar()
        self.set_library(shown=True)
        self.sidebar.download.forget_ready()
        self.library.open(self.desk.shelf, wanted)
        self.desk.shelf.find()  # other programs come and go, and a terminal may have downloaded something
        self.pages_changed()

    @Slot()
    def leave_library(self) -> None:
        """Show the chat again."""
        if self.in_library:
            self.set_library(shown=False)
            self.focus_composer()
            self.pages_changed()

    def pages_changed(self) -> None:
        """The chat is hidden or shown: some commands are in place and others not."""

    def choose_model(self) -> None:
        """Show the models of the disk in a panel."""
        card = self.loaded_card
        self.switcher.choose_from(self.desk.shelf, name_model(card) if card else "")

    @property
    def loaded_card(self) -> ModelCard | None:
        """What is in memory at the moment."""
        return self.desk.engine.card

    def show_shelf(self) -> None:
        """Show what the shelf has now, wherever it is to be seen."""
        shelf = self.desk.shelf
        self.sidebar.download.show_rows(shelf.rows)
        self.library.show_shelf(shelf)
        self.switcher.show_shelf(shelf)
        self.empty.show_shelf(shelf)
        if self.in_library:
            self.sidebar.download.forget_ready()

    def is_seen(self, failure: Failure) -> bool:
        """Whether what a notice says stands somewhere already: that a download is complete."""
        seen = self.in_library or self.sidebar.isVisible() or bool(self.empty.rows and self.empty.isVisible())
        return failure.kind == READY and seen

    # models -------------------------------------------------------------------------------------

    @Slot(str)
    def use_model(self, key: str) -> None:
        """Load a model and go back to the chat."""
        self.desk.shelf.use(key)
        self.leave_library()
        self.focus_composer()

    @Slot(str, str)
    def do_with_model(self, verb: str, key: str) -> None:
        """Do with a model what its button says."""
        shelf = self.desk.shelf
        row = shelf.row(key)
        if row is None:
            return
        match Verb(verb):
            case Verb.USE:
                self.use_model(key)
            case Verb.GUESS:
                shelf.use(key)
            case Verb.DOWNLOAD | Verb.GO_ON | Verb.MEND:
                shelf.download(key)
            case Verb.PAUSE:
                shelf.pause(key)
            case Verb.LOOK:
                shelf.find()
            case Verb.DEFAULT:
                shelf.set_default(key)
            case Verb.VERIFY:
                shelf.verify(key)
            case Verb.REVEAL:
                QDesktopServices.openUrl(QUrl.fromLocalFile(row.folder))
            case Verb.DETAILS:
                self.details.show_model(row, self.loaded_card if row.loaded else None, now())
            case Verb.DELETE | Verb.GIVE_UP as ending:
                self._ask_to_remove(row, unfinished=ending is Verb.GIVE_UP)

    def _ask_to_remove(self, row: ShelfRow, *, unfinished: bool) -> None:
        if self.findChild(RemovalQuestion) is None:
            shelf = self.desk.shelf
            question = RemovalQuestion(row, self, unfinished=unfinished, trash=shelf.trash)
            question.agreed.connect(shelf.discard if unfinished else shelf.delete)
            question.open()

    @Slot(str, str)
    def _download_with(self, token: str, key: str) -> None:
        self.desk.shelf.download(key, token)

    @Slot(str)
    def _look_up(self, name: str) -> None:
        self.desk.shelf.look_up(name)

    @Slot(str, str)
    def _download_found(self, repository: str, token: str) -> None:
        self.library.sheet.leave_adding()
        self.desk.shelf.download(repository, token)

    # folders ------------------------------------------------------------------------------------

    @Slot()
    def _ask_folder(self) -> None:
        self.choose_folder()

    def choose_folder(self) -> None:
        """Ask for a folder with models, which are used where they lie."""
        folder = QFileDialog.getExistingDirectory(self, _("Choose a model folder"), str(self.desk.shelf.folder))
        if folder:
            self.add_folders([folder])

    @Slot(object)
    def add_folders(self, folders: list[str]) -> None:
        """Use the models in these folders from now on, and show them."""
        for folder in folders:
            self.desk.shelf.add_folder(folder)
        self.show_library(folders[0])

    @Slot()
    def move_downloads(self) -> None:
        """Ask where downloads shall lie, and bring them there."""
        shelf = self.desk.shelf
        folder = QFileDialog.getExistingDirectory(self, _("Choose a folder for downloads"), str(shelf.folder.parent))
        if folder:
            shelf.move(folder)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Look at what is dragged in."""
        self._drop.enter(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Take folders, and leave the rest alone."""
        self._drop.move(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Take the outline away."""
        self._drop.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        """Add what was let go."""
        self._drop.drop(event)
