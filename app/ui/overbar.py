"""A scroll bar that lies over what it scrolls and takes no room from it, as on a Mac."""

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Slot
from PySide6.QtWidgets import QAbstractScrollArea, QScrollBar

BAR_WIDTH = 12


class OverBar(QScrollBar):
    """Stands in for the vertical bar of a scroll area; the area calls `place` when its size changes."""

    def __init__(self, area: QAbstractScrollArea) -> None:
        super().__init__(Qt.Orientation.Vertical, area)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._bar = bar = area.verticalScrollBar()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        bar.rangeChanged.connect(self._take_range)
        bar.valueChanged.connect(self._take_value)
        self.valueChanged.connect(bar.setValue)

    def place(self, size: QSize) -> None:
        """Stand at the right edge of an area."""
        self.setGeometry(size.width() - BAR_WIDTH, 0, BAR_WIDTH, size.height())
        self._take_range()

    @Slot()
    def _take_range(self) -> None:
        with QSignalBlocker(self):
            self.setPageStep(self._bar.pageStep())
            self.setSingleStep(self._bar.singleStep())
            self.setRange(self._bar.minimum(), self._bar.maximum())
            self.setValue(self._bar.value())
        self.setVisible(self._bar.maximum() > 0)

    @Slot()
    def _take_value(self) -> None:
        """Stand where the area's bar stands by now, which may be further than when it said so; say nothing back."""
        with QSignalBlocker(self):
            self.setValue(self._bar.value())
