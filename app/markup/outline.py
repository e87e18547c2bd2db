"""The steps of a thought, found by how its paragraphs begin."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from app.markup.block import Block, Kind

LONGEST_TITLE = 60
APART = 600
"""Characters between a plain step and the one before it."""
NEAR = 250
"""Characters between a step that says what it is and the one before it."""
PARAGRAPH = 120
"""Characters a paragraph must have to be a step without saying what it is."""


class StepKind(Enum):
    """What a step does in the thought."""

    PARAGRAPH = auto()
    HEADING = auto()
    DOUBT = auto()
    CHECK = auto()
    CONCLUSION = auto()
    CASE = auto()


@dataclass(frozen=True, slots=True)
class Step:
    """A place in a text that is worth going to."""

    start: int
    """Where it begins in the text, in characters."""
    title: str
    """At most 60 characters, without marks."""
    kind: StepKind


_DOUBT = (
    r"(?:but |so |oh,? |no,? |ah,? )?wait\b(?! (?:for|until))|hmm+|hold on|actually\b|on second thought"
    r"|let me re(?:consider|think)"
    r"|(?:no, )?that(?:'s|’s| is) (?:not right|wrong)|i made (?:a|an) (?:mistake|error)"
    r"|(?:aber |nein,? )?(?:moment\b(?: mal)?(?=[,.:…—-])|warte\b|halt[,.:…])|stimmt das|das stimmt nicht|eigentlich\b"
    r"|(?:mais |non,? )?attend(?:s|ez|ons)\b|en fait\b|en réalité\b|je me suis trompée?"
    r"|(?:pero |no,? )?(?:espera|espere|un momento)\b|en realidad\b|me equivoqué"
)
_CHECK = (
    r"(?:now,? |so,? )?let(?: me|['’]s| us) (?:just )?(?:also )?"
    r"(?:verify|check|double[- ]check|test|confirm|make sure)\b"
    r"|to (?:verify|check|confirm|be sure)\b|(?:double[- ])?check(?:ing)?\b(?: that| if| whether|[:,])"
    r"|verif(?:y|ying|ication)\b"
    r"|i(?: should|['’]ll| will) (?:verify|check|double[- ]check)\b|sanity check"
    r"|(?:über)?prüfen wir\b|(?:zur )?(?:probe|kontrolle)\b|ich (?:über)?prüfe\b"
    r"|lass(?:t uns| mich| uns)\b[^.\n]{0,40}prüfen"
    r"|vérifi(?:ons|ez|er|cation)\b|je vérifie\b|pour vérifier\b"
    r"|comprob(?:emos|ar|ación|aré)\b|verifi(?:quemos|car|cación)\b"
    r"|(?:voy a|para) (?:comprobar|verificar)\b"
)
_CONCLUSION = (
    r"(?:and )?(?:therefore|thus|hence|consequently|finally)\b"
    r"|so,? (?:the|my) (?:final )?(?:answer|result)\b|so,? in (?:total|summary|conclusion)\b"
    r"|(?:in|to) (?:conclusion|conclude|summary|summari[sz]e)\b|the (?:final )?answer is\b|(?:final )?answer:"
    r"|(?:daher|somit|folglich|deshalb|schließlich|zusammenfassend|insgesamt)\b"
    r"|also (?:ist|lautet) (?:die|das)\b|die (?:endgültige )?antwort\b"
    r"|(?:donc|ainsi|finalement)\b|par conséquent\b|en conclusion\b|la réponse (?:finale )?est\b|pour conclure\b"
    r"|por (?:lo )?tanto\b|así que\b|en conclusión\b|la respuesta (?:final )?es\b|finalmente\b|en resumen\b"
)
_NUMBER = r"(?:\d+|[ivx]+|[a-e])\b"
_CASE = (
    rf"(?:sub)?case \(?{_NUMBER}|(?:approach|method|option|step|part) \(?{_NUMBER}"
    rf"|fall \(?{_NUMBER}|(?:schritt|ansatz|teil) \(?{_NUMBER}"
    rf"|cas (?:n° ?)?\(?{_NUMBER}|(?:étape|méthode|partie) \(?{_NUMBER}"
    rf"|caso \(?{_NUMBER}|(?:paso|método|parte) \(?{_NUMBER}|(?:the )?(?:first|second|third|last) case\b"
)
_MARKS = r"[ \t]*(?:(?:[-*+>]|\d{1,3}[.)])[ \t]+)*[*_]{0,3}"
"""What may stand before the first word of a line: marks of lists, quotes and emphasis."""
_SIGNAL = re.compile(
    rf"(?:^{_MARKS}|(?P<within>(?<=[.!?…] )))"
    rf"(?:(?P<DOUBT>{_DOUBT})|(?P<CHECK>{_CHECK})|(?P<CONCLUSION>{_CONCLUSION})|(?P<CASE>{_CASE}))",
    re.IGNORECASE | re.MULTILINE,
)
_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(?=\S)|^ {0,3}(?=\*\*[^*\n]+\*\*:?[ \t]*$)", re.MULTILINE)
_WITHIN = frozenset({StepKind.DOUBT, StepKind.CHECK})
"""What counts in the middle of a paragraph too; conclusions stand there far too often."""
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_LEAD = re.compile(rf"(?:#{{1,6}}[ \t]+)?{_MARKS}")
_FENCES = re.compile(r"\*\*|__|~~|`+|\\[()\[\]]|\$+|(?<!\w)[*_]|[*_](?!\w)")
_SENTENCE = re.compile(r"(?<=[!?])(?=\s|$)|[.…:](?=\s|$)|\n\s*\n")


class Outline:
    """The steps of a text that may still grow."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def feed(self, blocks: Sequence[Block], first: int) -> None:
        """Take note that the blocks from an index on are new or others than before."""
        begin = blocks[first].start if first < len(blocks) else (blocks[-1].end if blocks else 0)
        while self.steps and self.steps[-1].start >= begin:
            self.steps.pop()
        for block in blocks[first:]:
            if block.kind is Kind.PROSE:
                for step in _candidates(block):
                    self._offer(step)

    def _offer(self, step: Step) -> None:
        """Keep a step where the last one is far enough away."""
        apart = {StepKind.HEADING: 1, StepKind.PARAGRAPH: APART}.get(step.kind, NEAR)
        if not self.steps or step.start - self.steps[-1].start >= apart:
            self.steps.append(step)


def _candidates(block: Block) -> Iterator[Step]:
    """The possible steps of a block, in order."""
    text = block.text
    found: dict[int, StepKind] = {}
    if len(text) >= PARAGRAPH or not block.open:
        found[len(text) - len(text.lstrip())] = StepKind.PARAGRAPH
    for match in _SIGNAL.finditer(text):
        kind = StepKind[match.lastgroup or "PARAGRAPH"]
        if match["within"] is None or kind in _WITHIN:
            found[match.start()] = kind
    for match in _HEADING.finditer(text):
        found[match.start()] = StepKind.HEADING
    for at, kind in sorted(found.items()):
        title = _title(text, at, whole=kind is StepKind.HEADING)
        if kind is StepKind.PARAGRAPH and len(text) < PARAGRAPH:
            continue
        if title and (not block.open or at + len(title) + 2 < len(text)):  # what is still being written has no title
            yield Step(block.start + at, title, kind)


def _title(text: str, at: int, *, whole: bool) -> str:
    """The first sentence from a place on, or the whole line, cut at a word."""
    lead = _LEAD.match(text, at)
    begin = lead.end() if lead else at
    line = text[begin : begin + 4 * LONGEST_TITLE]
    end = re.search("\n", line) if whole else _SENTENCE.search(line, 12)
    line = line[: end.start()] if end else line
    plain = " ".join(_FENCES.sub("", _LINK.sub(r"\1", line)).split()).rstrip(" #.:,…")
    if len(plain) <= LONGEST_TITLE:
        return plain
    cut = plain.rfind(" ", LONGEST_TITLE // 2, LONGEST_TITLE)
    return plain[: cut if cut > 0 else LONGEST_TITLE - 1].rstrip(" ,;:.") + "…"
