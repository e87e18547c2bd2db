"""The question before a chat is deleted: what cannot be taken back is asked once."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QMessageBox, QWidget

from app.core.text import _


class DeleteQuestion(QMessageBox):
    """Names the chat and keeps it unless a person says otherwise."""

    agreed = Signal()

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(_("Delete “{title}”?").format(title=title))
        self.setInformativeText(_("Its questions, thoughts and answers cannot be brought back."))
        self.delete = self.addButton(_("Delete"), QMessageBox.ButtonRole.DestructiveRole)
        self.keep = self.addButton(_("Keep"), QMessageBox.ButtonRole.RejectRole)
        self.setDefaultButton(self.keep)
        self.setEscapeButton(self.keep)
        self.buttonClicked.connect(self._decide)

    @Slot(object)
    def _decide(self, button: object) -> None:
        if button is self.delete:
            self.agreed.emit()
