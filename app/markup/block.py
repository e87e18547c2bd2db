"""The values that markup yields: blocks of a text, what stands in them, and how it is marked; no Qt."""

from dataclasses import dataclass
from enum import Enum, Flag, auto


class Kind(Enum):
    """What a block is, which decides how it is laid out."""

    PROSE = auto()
    """Anything that is running text: paragraphs, headings, lists, quotes, displayed formulas, rules."""
    CODE = auto()
    TABLE = auto()


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a Markdown text that is laid out by itself.

    Long code and long tables come in several blocks, slices of one group, so that none is ever high.
    """

    kind: Kind
    start: int
    """Where it begins in the text, in characters."""
    end: int
    """Where it ends, its line break included."""
    text: str
    """Markdown of prose; of a table its head and the rows of this slice; of code its lines without the fence."""
    group: int = -1
    """Of code and tables: where the whole begins in the text, the same for all its slices."""
    first: bool = True
    """Whether it is the first slice of its group."""
    last: bool = True
    """Whether it is the last slice so far."""
    language: str = ""
    """Of code: the first word after the fence; empty until that line is complete."""
    line: int = 0
    """Of code and tables: lines (rows of the body) of the group before this slice."""
    equation: int = 0
    """Numbered equations of the text before this block."""
    open: bool = False
    """Whether more text may still change it."""


class Style(Flag):
    """How a run of text is set."""

    PLAIN = 0
    STRONG = auto()
    EMPHASIS = auto()
    STRUCK = auto()
    CODE = auto()
    RAISED = auto()
    """The mark of a footnote."""
    MUTED = auto()
    """What the app says about the text: an image that is not shown."""


@dataclass(frozen=True, slots=True)
class Run:
    """Characters of one style, a line break, or a formula inside running text."""

    text: str
    """The characters shown; of a formula its LaTeX without delimiters; of a hard line break "\\n"."""
    style: Style = Style.PLAIN
    link: str = ""
    """The address it leads to; http, https and mailto only."""
    formula: str = ""
    """The opening delimiter of a formula: "$", "$$", "\\(" or "\\["; empty for text."""
    at: int = 0
    """Where it begins in the block's own Markdown, delimiters included."""
    length: int = 0
    """How many characters of the Markdown it takes, delimiters included."""

    @property
    def display(self) -> bool:
        """Whether it is a formula that is set large."""
        return self.formula in {"$$", "\\["}


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, a heading, or the first or a further paragraph of a list item."""

    runs: Runs
    heading: int = 0
    """1 to 6; 0 for none."""
    depth: int = 0
    """How many lists it stands in."""
    quotes: int = 0
    """How many quotes it stands in."""
    marker: str = ""
    """What stands before it: "•", "3.", "☐", "☑", or the label of a footnote."""
    tight: bool = False
    """Whether the next paragraph follows without a gap."""


@dataclass(frozen=True, slots=True)
class Display:
    """A formula on a line of its own."""

    latex: str
    """Without delimiters; an environment such as align keeps its begin and end."""
    markup: str
    """Its opening delimiter: "$$", "\\[" or "\\begin{align*}"."""
    depth: int = 0
    quotes: int = 0
    marker: str = ""
    at: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """Code inside a list or a quote, or indented code."""

    text: str
    language: str = ""
    depth: int = 0
    quotes: int = 0
    marker: str = ""
    at: int = 0
    length: int = 0


class Align(Enum):
    """How the cells of a column stand."""

    LEFT = auto()
    CENTRE = auto()
    RIGHT = auto()


@dataclass(frozen=True, slots=True)
class Table:
    """A head and rows of cells; every row has as many cells as the head."""

    head: tuple[Runs, ...]
    rows: tuple[tuple[Runs, ...], ...]
    aligns: tuple[Align, ...]
    depth: int = 0
    quotes: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the column."""

    depth: int = 0
    quotes: int = 0


Piece = Paragraph | Display | Listing | Table | Rule


class Hue(Enum):
    """What a piece of code is, as far as colour tells."""

    PLAIN = auto()
    KEYWORD = auto()
    NAME = auto()
    """A function, class or other name where it is defined, and built-in ones."""
    STRING = auto()
    NUMBER = auto()
    COMMENT = auto()
    ADDED = auto()
    """A line of a diff."""
    REMOVED = auto()


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of one line of code in one colour; what no span covers is plain."""

    start: int
    length: int
    hue: Hue
