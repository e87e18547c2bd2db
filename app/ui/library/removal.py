"""The question before a model, or what is here of one, is deleted."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QMessageBox, QWidget

from app.chat.shelfrow import ShelfRow
from app.chat.words import say_size
from app.core.text import _


class RemovalQuestion(QMessageBox):
    """Names the model and what is lost, and keeps it unless a person says otherwise."""

    agreed = Signal(str)
    """The key of the model."""

    def __init__(self, row: ShelfRow, parent: QWidget, *, unfinished: bool, trash: bool) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._key = row.key
        if unfinished:
            self.setText(_("Give the download of “{model}” up?").format(model=row.label))
            self.setInformativeText(say_lost(row))
        else:
            self.setText(_("Delete “{model}”?").format(model=row.label))
            self.setInformativeText(say_deletion(row, trash=trash))
        words = _("Give up") if unfinished else _("Delete")
        self.delete = self.addButton(words, QMessageBox.ButtonRole.DestructiveRole)
        self.keep = self.addButton(_("Keep"), QMessageBox.ButtonRole.RejectRole)
        self.setDefaultButton(self.keep)
        self.setEscapeButton(self.keep)
        self.buttonClicked.connect(self._decide)

    @Slot(object)
    def _decide(self, button: object) -> None:
        if button is self.delete:
            self.agreed.emit(self._key)


def say_lost(row: ShelfRow) -> str:
    """What goes with a download that is given up."""
    done = row.transfer.done if row.transfer else 0
    if not done:
        return _("Nothing of it is here yet.")
    return _("The {size} that are here are deleted. To go on later, pause it instead.").format(size=say_size(done))


def say_deletion(row: ShelfRow, *, trash: bool) -> str:
    """Where a deleted model goes, and what answers then."""
    gone = _("Its {size} go to the Trash.") if trash else _("Its disk has no Trash: {size} are deleted for good.")
    words = [gone.format(size=say_size(row.size))]
    if row.loaded:
        words.append(_("It is unloaded first; an answer under way is stopped and kept."))
    if row.default and not row.draft:
        words.append(_("The starter answers until you choose another model."))
    return " ".join(words)
