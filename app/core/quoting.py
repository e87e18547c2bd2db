"""Where a growing Markdown text is code, as far as it decides whether a tag is meant or only spoken of."""

import re

_LINE_TOKENS = re.compile(r"\n+|`+|~+|[^\n`~]+").findall
_LEAST_FENCE = 3


class Code:
    """Follows Markdown's code through a text.

    Inline code ends at the latest with its line, so that a lone backtick hides little. A fence is accepted at
    any indentation, because models put them into lists.
    """

    __slots__ = ("_blank", "_closer", "_doubt", "_fence", "_length", "_opener", "_passed", "_run", "_span", "_tags")

    def __init__(self) -> None:
        self._fence = ("", 0)
        """Character and length of the run that opened the block around."""
        self._span = ("", 0)
        """The same of inline code, and of a fence while its first line lasts."""
        self._opener = self._closer = False
        """This line may open a fence; may close it."""
        self._blank = True
        """Only white space on this line so far."""
        self._run, self._length = "", 0
        """A run of backticks or tildes that may still grow."""
        self._tags = 0
        """Opening tags in this fence without their closing ones."""
        self._passed: tuple[int, int] | None = None
        self._doubt: tuple[int, int] | None = None

    @property
    def at_edge(self) -> bool:
        """True where even ordinary text would change something."""
        return bool(self._blank or self._closer or self._run or self._passed)

    def read(self, text: str) -> None:
        """Go on through a text without tags."""
        for token in _LINE_TOKENS(text):
            first = token[0]
            if first == self._run:
                self._length += len(token)
                continue
            self._settle_run()
            if first == "\n":
                self._end_line()
            elif first in "`~":
                self._run, self._length = first, len(token)
            elif not token.isspace():
                self._write()

    def hides_tags(self) -> bool:
        """Whether a tag at this place is only spoken of."""
        self._settle_run()
        return bool(self._span[1] or (self._fence[1] and not self._closer))

    def enter_tag(self) -> None:
        """Note an opening tag, so that its closing one in the same fence is known to be spoken of, too."""
        self._settle_run()
        self._tags += bool(self._fence[1])

    def pass_over(self, place: tuple[int, int]) -> None:
        """Note a closing tag that code hides; in doubt if the code proves never to end."""
        lonely = self._blank and not self._tags
        self._write()
        if self._span[1] or lonely:
            self._passed = place
        self._tags = max(0, self._tags - 1)

    def move_doubt(self, end: int, text: str) -> None:
        """Count the newlines right behind a doubtful tag as a part of it."""
        if self._doubt and self._doubt[1] == end:
            self._doubt = (self._doubt[0], end + len(text) - len(text.lstrip("\n")))

    def end(self) -> tuple[int, int] | None:
        """The last doubtful closing tag of the text: the offsets before and behind it."""
        self._settle_run()
        self._end_line()
        return self._doubt

    def _settle_run(self) -> None:
        """Decide what a run of backticks or tildes was, now that it has ended."""
        run, length, first = self._run, self._length, self._blank
        if not run:
            return
        self._run = ""
        self._write()
        if self._fence[1]:
            self._closer = first and run == self._fence[0] and length >= self._fence[1]
        elif self._span[1]:
            if run == self._span[0] == "`":
                self._opener = False  # the first line of a backtick fence has no further backticks
                if length == self._span[1]:
                    self._span = ("", 0)
                    self._passed = None
        elif (first and length >= _LEAST_FENCE) or run == "`":
            self._span = (run, length)
            self._opener = first and length >= _LEAST_FENCE

    def _write(self) -> None:
        """Something but white space stands on this line."""
        self._blank = self._closer = False
        if self._fence[1]:
            self._passed = None

    def _end_line(self) -> None:
        if self._opener:
            self._fence, self._tags = self._span, 0
        elif self._closer:
            self._fence = ("", 0)
        self._span = ("", 0)
        self._opener = self._closer = False
        self._blank = True
        self._doubt = self._passed or self._doubt
        self._passed = None
