"""Everything that processes say to each other survives the way, and garbage is told as garbage."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from app.core import door, protocol

Decode = Callable[[bytes], Any]
TALKS: list[tuple[ModuleType, type, Any, Decode]] = [
    (protocol, protocol.Message, protocol.Command, protocol.decode_command),
    (protocol, protocol.Message, protocol.Event, protocol.decode_event),
    (door, door.Line, door.Request, door.decode_request),
    (door, door.Line, door.Reply, door.decode_reply),
]
SAID = [
    pytest.param(struct, module.encode, decode, id=f"{module.__name__.rpartition('.')[2]}-{struct.__name__}")
    for module, _, union, decode in TALKS
    for struct in get_args(union)
]


def values(of: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one line for each kind of field
    """Any value of a field's type, as msgspec understands it; a kind not yet used here is an error."""
    match of:
        case inspect.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{field.name: values(field.type) for field in fields})
        case inspect.UnionType(types=types):
            return st.one_of([values(option) for option in types])
        case inspect.ListType(item_type=item):
            return st.lists(values(item), max_size=3)
        case inspect.VarTupleType(item_type=item):
            return st.lists(values(item), max_size=3).map(tuple)
        case inspect.EnumType(cls=cls):
            return st.sampled_from(cls)
        case inspect.StrType():
            return st.text(max_size=20)
        case inspect.IntType():
            return st.integers(-(2**63), 2**63 - 1)
        case inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    raise NotImplementedError(of)


@pytest.mark.parametrize(("struct", "encode", "decode"), SAID)
def test_every_message_survives_the_way_as_one_line(
    struct: type[msgspec.Struct], encode: Callable[[Any], bytes], decode: Decode
) -> None:
    @settings(max_examples=25)
    @given(values(inspect.type_info(struct)))
    def survives(message: msgspec.Struct) -> None:
        line = encode(message)
        assert b"\n" not in line
        assert decode(line) == message
        assert type(decode(line)) is struct

    survives()


@pytest.mark.parametrize(("struct", "encode", "decode"), SAID)
def test_a_field_of_a_newer_version_is_passed_over(
    struct: type[msgspec.Struct], encode: Callable[[Any], bytes], decode: Decode
) -> None:
    @settings(max_examples=1)
    @given(values(inspect.type_info(struct)))
    def passes(message: msgspec.Struct) -> None:
        line = json.dumps(json.loads(encode(message)) | {"of_tomorrow": [1]}).encode()
        assert decode(line) == message

    passes()


@pytest.mark.parametrize(("module", "root"), [(protocol, protocol.Message), (door, door.Line)])
def test_every_message_of_a_module_is_said_by_exactly_one_side(module: ModuleType, root: type) -> None:
    written = {item for item in vars(module).values() if isinstance(item, type) and issubclass(item, root)} - {root}
    sides = [struct for of, _, union, _ in TALKS if of is module for struct in get_args(union)]
    assert sorted(struct.__name__ for struct in sides) == sorted(struct.__name__ for struct in written)


@pytest.mark.parametrize("decode", [decode for *_, decode in TALKS])
@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"garbage",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b'{"type": "nothing"}',
        b'{"type": 1}',
        b'{"type": "cancel"',
        b'{"type": "cancel"}',
        b'{"type": "hello", "version": "1"}',
        b'{"type": "ask", "question": null}',
        b'{"type": "said", "parts": [{"kind": "music", "text": ""}]}',
    ],
)
def test_garbage_is_a_decode_error(decode: Decode, line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(line)


@settings(max_examples=200)
@given(st.binary(max_size=40))
def test_any_bytes_are_a_message_or_a_decode_error(line: bytes) -> None:
    for *_, decode in TALKS:
        with pytest.raises(msgspec.DecodeError):
            decode(line)


def test_one_side_does_not_understand_its_own_words() -> None:
    with pytest.raises(msgspec.ValidationError):
        protocol.decode_event(protocol.encode(protocol.Shutdown()))
    with pytest.raises(msgspec.ValidationError):
        protocol.decode_command(protocol.encode(protocol.TokenizerReady()))
