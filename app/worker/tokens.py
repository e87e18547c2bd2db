"""The tokenizer: text to ids and back, with control tokens only where the app puts them.

It is read straight from tokenizer.json, which takes a fraction of a second and none of mlx_lm, so that
tokens are counted long before the weights are there. An encoded text never yields a control token: a
document that says [INST] stays a document. Encoding only reads, so two threads may do it at once.

Ids are decoded here and not by the decoder that the file names: conversions exist that name a wrong one and
print "aĠbĊ", and joining the bytes of byte-level BPE is all that there is to do.
"""

import codecs
import json
import re
from array import array
from collections.abc import Iterable
from functools import cached_property, lru_cache
from pathlib import Path

from tokenizers import AddedToken, Tokenizer

from app.core.errors import ModelBroken, ModelMissing
from app.core.text import _

PROBE = "a b\né 日本\n"
"""A tokenizer of another kind than byte-level BPE does not give these back."""
SHORT = 2000
"""Characters up to which a text is encoded at once; a longer one lets other threads run meanwhile."""
REMEMBERED = 16
"""Long texts whose ids are kept: the documents of a chat are part of every prompt and of every estimate."""


class Tokens:
    """One model's vocabulary.

    Raises ModelMissing where there is no tokenizer.json, ModelBroken where it cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        file = folder / "tokenizer.json"
        if not file.is_file():
            raise _missing(folder)
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises bare Exception for anything wrong in the file
            raise _broken(folder) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._keep_control_out_of_text()
        self._bytes = lru_cache(maxsize=None)(self._find_bytes)
        self._encode_long = lru_cache(maxsize=REMEMBERED)(self._encode_text)
        if self.decode(self.encode(PROBE)) != PROBE:
            raise _broken(folder)
        self.stops = self._find_stops(folder)

    def encode(self, text: str) -> list[int]:
        """A text's ids: no control tokens, none added at its start."""
        if len(text) <= SHORT:
            return self._encode_text(text).tolist()
        return self._encode_long(text).tolist()

    def encode_template(self, text: str) -> list[int]:
        """The ids of a chat template's own words, in which control tokens are what they spell."""
        ids: list[int] = []
        at = 0
        for found in self._control.finditer(text):
            token = self._added[found[0]]
            before = text[at : found.start()]
            ids += self.encode(before.rstrip() if token.lstrip else before)
            ids.append(self._added_ids[found[0]])
            at = found.end()
            while token.rstrip and text[at : at + 1].isspace():
                at += 1
        return ids + self.encode(text[at:])

    def spelled(self, text: str) -> list[str]:
        """The control tokens that a text spells."""
        return self._control.findall(text)

    def id(self, name: str) -> int | None:
        """The id of a control token, None where the vocabulary lacks it."""
        found: int | None = self._tokenizer.token_to_id(name)
        return found

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids, control tokens spelled out."""
        return b"".join(map(self._bytes, ids)).decode("utf-8", "replace")

    @cached_property
    def repaired(self) -> bool:
        """Whether the decoder that the file names would have written another text than was encoded."""
        written: str = self._tokenizer.decode(self.encode(PROBE), skip_special_tokens=False)
        return written != PROBE

    @property
    def size(self) -> int:
        """Words of the vocabulary, added tokens left out."""
        count: int = self._tokenizer.get_vocab_size(with_added_tokens=False)
        return count

    def stream(self) -> "TextStream":
        """A decoder for one answer."""
        return TextStream(self)

    def bytes_of(self, token: int) -> bytes:
        """The bytes that one id stands for; none for an id beyond the vocabulary."""
        return self._bytes(token)

    @cached_property
    def _control(self) -> re.Pattern[str]:
        """All added tokens; where two begin at one place the longer one is meant. Blanks control nothing."""
        names = sorted((name for name in self._added if name.strip()), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, names)) or r"(?!)")

    def _keep_control_out_of_text(self) -> None:
        """Let text that spells an added token, special or not, be encoded as the characters it is."""
        added = self._tokenizer.get_added_tokens_decoder()
        self._added = {token.content: token for token in added.values()}
        self._added_ids = {token.content: at for at, token in added.items()}
        self._tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in self._added])
        self._tokenizer.encode_special_tokens = True

    def _encode_text(self, text: str) -> "array[int]":
        try:
            if len(text) <= SHORT:
                return array("I", self._tokenizer.encode(text, add_special_tokens=False).ids)
            (encoding,) = self._tokenizer.encode_batch_fast([text], add_special_tokens=False)
            return array("I", encoding.ids)
        except TypeError:  # half of a surrogate pair, which is no character
            return self._encode_text(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))

    def _find_bytes(self, token: int) -> bytes:
        word: str | None = self._tokenizer.id_to_token(token)
        if word is None:
            return b""
        try:
            return bytes(_BYTES[character] for character in word)
        except KeyError:  # an added token with a character that no byte is written as stands for itself
            return word.encode()

    def _find_stops(self, folder: Path) -> frozenset[int]:
        """The ids that end a turn, from whichever of the model's files names them."""
        found: set[int] = set()
        for name in ("generation_config.json", "config.json"):
            value = read_json(folder / name).get("eos_token_id")
            values = value if isinstance(value, list) else [value]
            found.update(each for each in values if isinstance(each, int))
        named = read_json(folder / "tokenizer_config.json").get("eos_token")
        if isinstance(named, str) and (at := self.id(named)) is not None:
            found.add(at)
        return frozenset(found)


class TextStream:
    """Ids to text one at a time; bytes of an unfinished character wait for the rest of it."""

    def __init__(self, tokens: Tokens) -> None:
        self._bytes_of = tokens.bytes_of
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, token: int) -> str:
        """The text that this id completes, most often its own."""
        return self._decoder.decode(self._bytes_of(token))

    def flush(self) -> str:
        """A replacement mark if a character is unfinished; it will not be finished any more."""
        return self._decoder.decode(b"", final=True)


def read_json(file: Path) -> dict[str, object]:
    """A small JSON file's object; empty where it is absent or unreadable."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _byte_alphabet() -> dict[str, int]:
    """How byte-level BPE writes each byte as a printable character (GPT-2's table)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(rest)}


_BYTES = _byte_alphabet()


def _missing(folder: Path) -> ModelMissing:
    if (folder / "tekken.json").is_file():
        return ModelMissing(
            _("The model in {folder} has its vocabulary as tekken.json alone, not as tokenizer.json.").format(
                folder=folder
            ),
            _("Choose a version of it that has both, such as those of mlx-community or lmstudio-community."),
            "model.choose",
        )
    return ModelMissing(
        _("The model in {folder} has no tokenizer.json.").format(folder=folder),
        _("Download the model again, or choose another folder."),
        "model.choose",
    )


def _broken(folder: Path) -> ModelBroken:
    return ModelBroken(
        _("The tokenizer of the model in {folder} does not work.").format(folder=folder),
        _("Its tokenizer.json is damaged or of a kind that the app does not know. Download the model again."),
        "model.choose",
    )
