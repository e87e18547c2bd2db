"""The room between the pieces of a text."""

from app.markup.block import Display, Listing, Paragraph, Piece, Rule
from app.ui.transcript.ornament import CARD


def gap(above: Piece | None, below: Piece) -> int:
    """The room between two pieces at 100 % text size."""
    if above is None:
        return 0
    if isinstance(above, Paragraph) and above.tight:
        return 4
    if isinstance(below, Paragraph) and below.heading:
        return 16
    for kind, room in ((Rule, 4), (Listing, 8 + CARD), (Display, 10)):
        if isinstance(above, kind) or isinstance(below, kind):
            return room
    return 6 if isinstance(above, Paragraph) and above.heading else 8
