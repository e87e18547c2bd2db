"""The thinking choice in the composer: how many tokens a thought may take."""

from functools import partial

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from app.core.text import _
from app.ui.button import QuietButton
from app.ui.theme import Theme

BUDGETS = (-1, 500, 1_000, 4_000, 16_000, 0)
"""-1: what the settings say, mostly the model's own; 0: no thought."""


class ThinkingChoice(QuietButton):
    """A word that opens a menu of budgets."""

    chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, _("Think"), parent, chevron=True)
        self._budget = self._preferred = -1
        self.setToolTip(_("How long the model may think"))
        self.clicked.connect(self.open)

    def show_budget(self, budget: int, preferred: int) -> None:
        """Show another choice, and what the settings prefer; -1 is the model's own."""
        if (budget, preferred) == (self._budget, self._preferred):
            return
        self._budget, self._preferred = budget, preferred
        self.setText(
            {-1: _("Think"), 0: _("No thinking")}.get(budget, _("Think · {count}").format(count=f"{budget:,}"))
        )
        self.adjustSize()

    @Slot()
    def open(self) -> None:
        """Show the budgets, the chosen one under the keyboard."""
        menu = QMenu(self)
        menu.setTitle(_("Thinking budget"))
        menu.aboutToHide.connect(menu.deleteLater)
        group = QActionGroup(menu)
        shown = -1 if self._budget == self._preferred else self._budget
        for budget in sorted({*BUDGETS, shown}, key=lambda count: (count == 0, count)):
            words = say_budget(self._preferred if budget < 0 else budget)
            if budget < 0 <= self._preferred:
                words = _("As in the settings: {choice}").format(choice=words)
            action = menu.addAction(words, partial(self.chosen.emit, budget))
            action.setCheckable(True)
            action.setChecked(budget == shown)
            group.addAction(action)
            if budget == shown:
                menu.setActiveAction(action)
        at = self.mapToGlobal(self.rect().topLeft())
        at.setY(at.y() - menu.sizeHint().height() - 4)
        menu.popup(at)


def say_budget(budget: int) -> str:
    """A budget in a menu."""
    if budget < 0:
        return _("As long as the model likes")
    if budget == 0:
        return _("No thinking")
    return _("Up to {count} tokens").format(count=f"{budget:,}")
