"""One segment as a file: a safetensors header with a checked description, then the rows of all layers.

Eight bytes of header length, the header as JSON, the bytes of the tensors: written by hand, because the
bytes go to another thread, which must not touch MLX, and read by hand, because one pass over them checks
that they are whole and copies them.
"""

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec
import numpy as np
import numpy.typing as npt

from app.worker.quantising import dequantise, groups_of, quantise

FORMAT = 1
"""Raised when the content of a file changes; files of another format are a miss."""
ALIGNMENT = 64
HEADER_LIMIT = 1 << 20
FIRST_READ = 1 << 13
"""Bytes in which almost every header ends."""
TYPES: dict[str, mx.Dtype] = {"F32": mx.float32, "F16": mx.float16, "BF16": mx.bfloat16}
EXPONENTS = {
    "F32": (mx.uint32, 0x7F800000),
    "F16": (mx.uint16, 0x7C00),
    "BF16": (mx.uint16, 0x7F80),
}
"""The words of a type, and the bits that are all set in a number that is not finite."""
NUMPY_TYPES = {"F32": np.float32, "F16": np.uint16, "BF16": np.uint16, "U8": np.uint8}
"""numpy has no bfloat16: two bytes are two bytes."""

Layers = list[tuple[mx.array, mx.array]]
"""Keys and values of some rows, layer by layer, each [1, heads, rows, width]."""


class Damaged(Exception):
    """A file is not what its name promises."""


class Precision(Enum):
    """How the rows of a segment are kept."""

    ROUNDED = "rounded"
    """In 8 bits."""
    EXACT = "exact"
    """In the cache's own type."""
    CANONICAL = "canonical"
    """Exact, and computed in chunks with fixed edges, so that they depend on their ids alone."""


class Shape(msgspec.Struct, frozen=True):
    """The cache of a model without its rows."""

    dtype: str
    layers: int
    heads: int
    key_width: int
    value_width: int


class Record(msgspec.Struct, frozen=True):
    """What a file says about itself."""

    format: int
    fingerprint: str
    key: str
    parent: str
    start: int
    ids: list[int]
    session: int | None
    precision: Precision
    shape: Shape
    check: int = 0
    """CRC-32 of the tensors."""

    @property
    def rounded(self) -> bool:
        """Whether its rows are in 8 bits."""
        return self.precision is Precision.ROUNDED


class _Meta(msgspec.Struct, frozen=True):
    record: str
    check: str
    """CRC-32 of the record."""


class _Header(msgspec.Struct, frozen=True):
    meta: _Meta = msgspec.field(name="__metadata__")


@dataclass(frozen=True, slots=True)
class Packed:
    """A file's content in memory."""

    record: Record
    header: bytes
    payload: memoryview

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.header) + self.payload.nbytes


@dataclass(frozen=True, slots=True)
class _Tensor:
    """One tensor over all layers."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def shape_of(layers: Layers) -> Shape | None:
    """The shape of a cache; None for one that cannot be saved, because its layers differ."""
    kinds = {keys.dtype for keys, _values in layers} | {values.dtype for _keys, values in layers}
    names = [name for name, dtype in TYPES.items() if kinds == {dtype}]
    shapes = {(keys.shape[1], values.shape[1], keys.shape[3], values.shape[3]) for keys, values in layers}
    if not names or len(shapes) != 1:
        return None
    ((heads, value_heads, key_width, value_width),) = shapes
    return Shape(names[0], len(layers), heads, key_width, value_width) if heads == value_heads else None


def payload_size(shape: Shape, rows: int, *, rounded: bool) -> int:
    """Bytes of the tensors of so many rows."""
    return _tensors(shape, rows, rounded=rounded)[-1].end


def pack(record: Record, layers: Layers) -> Packed | None:
    """The file of some rows; None where a number of them is not finite. Computes, layer by layer."""
    shape, rows = record.shape, len(record.ids)
    tensors = _tensors(shape, rows, rounded=record.rounded)
    payload = np.empty(tensors[-1].end, np.uint8).data  # a bytearray would be filled with zeros first
    for number, layer in enumerate(layers):
        keys, values = (_round(x[0]) if record.rounded else _copy(x[0], shape.dtype) for x in layer)
        finite = keys[1] & values[1]
        parts = keys[0] + values[0]
        mx.eval(parts, finite)
        if not finite.item():
            return None
        for tensor, part in zip(tensors, parts, strict=True):
            size = (tensor.end - tensor.start) // shape.layers
            at = tensor.start + number * size
            payload[at : at + size] = memoryview(part).cast("B")  # type: ignore[arg-type] # it has a buffer
    record = msgspec.structs.replace(record, check=zlib.crc32(payload))
    return Packed(record, _encode_header(record, tensors), payload)


def read_record(file: Path) -> Record:
    """What a file says about itself, without its rows; raises Damaged and OSError."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        head = os.pread(descriptor, FIRST_READ, 0)
        length = int.from_bytes(head[:8], "little")
        if not 0 < length <= min(HEADER_LIMIT, size - 8):
            raise Damaged(file)
        if length > len(head) - 8:
            head += os.pread(descriptor, length + 8 - len(head), len(head))
    finally:
        os.close(descriptor)
    return _decode_header(file, head[8 : 8 + length], size - 8 - length)


def read_packed(file: Path) -> Packed:
    """A whole file; raises Damaged and OSError."""
    with file.open("rb", buffering=0) as opened:
        size = os.fstat(opened.fileno()).st_size
        header = opened.read(8)
        length = int.from_bytes(header, "little")
        if not 0 < length <= min(HEADER_LIMIT, size - 8):
            raise Damaged(file)
        header += opened.read(length)
        record = _decode_header(file, header[8:], size - 8 - length)
        payload = room = np.empty(size - 8 - length, np.uint8).data
        while room and (count := opened.readinto(room)):
            room = room[count:]
    if room or zlib.crc32(payload) != record.check:
        raise Damaged(file)
    return Packed(record, header, payload)


def place(layers: Layers, packed: Packed, first: int, end: int, start: int, rows: int) -> None:
    """Put rows `first` to `end`, which a file holds, where they belong among rows `start` to `rows`.

    Only one file's rows are ever in memory twice.
    """
    origin = packed.record.start
    layer = _unpack(packed, first - origin, end - origin)
    count = packed.record.shape.layers
    if (first, end) == (start, rows):
        layers += [layer(number) for number in range(count)]
    else:
        if not layers:
            layers += [_blank(layer(0), rows - start) for _number in range(count)]
        for number, (keys, values) in enumerate(layers):
            keys[:, :, first - start : end - start], values[:, :, first - start : end - start] = layer(number)
    mx.eval(layers)


def _unpack(packed: Packed, start: int, stop: int) -> Callable[[int], tuple[mx.array, mx.array]]:
    """A function that gives keys and values of one layer, rows `start` to `stop` of the file, not evaluated."""
    record = packed.record
    dtype = TYPES[record.shape.dtype]
    tensors = _tensors(record.shape, len(record.ids), rounded=record.rounded)
    arrays: list[npt.NDArray[Any]] = [
        np.frombuffer(packed.payload, NUMPY_TYPES[one.dtype], prod(one.shape), one.start).reshape(one.shape)
        for one in tensors
    ]

    def layer(number: int) -> tuple[mx.array, mx.array]:
        parts = [mx.array(np.ascontiguousarray(one[number, :, start:stop])) for one in arrays]
        if record.rounded:
            return dequantise(*parts[:3], dtype=dtype)[None], dequantise(*parts[3:], dtype=dtype)[None]
        return parts[0].view(dtype)[None], parts[1].view(dtype)[None]

    return layer


def _blank(like: tuple[mx.array, mx.array], rows: int) -> tuple[mx.array, mx.array]:
    keys, values = (mx.zeros((1, one.shape[1], rows, one.shape[3]), one.dtype) for one in like)
    return keys, values


def _round(x: mx.array) -> tuple[list[mx.array], mx.array]:
    """What is kept of some rows in 8 bits, and whether all of it is finite."""
    levels, step, least = quantise(x)
    return [levels, step, least], mx.isfinite(step).all() & mx.isfinite(least).all()


def _copy(x: mx.array, dtype: str) -> tuple[list[mx.array], mx.array]:
    """The words of some rows, and whether all of them are finite; `mx.isfinite` takes five times as long."""
    word, exponent = EXPONENTS[dtype]
    words = mx.contiguous(x).view(word)
    return [words], (words & exponent).max() != exponent


def _tensors(shape: Shape, rows: int, *, rounded: bool) -> list[_Tensor]:
    wanted: list[tuple[str, str, int]] = []
    for name, width in (("keys", shape.key_width), ("values", shape.value_width)):
        if rounded:
            groups = groups_of(width)
            wanted += [(name, "U8", width), (f"{name}.steps", "F32", groups), (f"{name}.least", "F32", groups)]
        else:
            wanted.append((name, shape.dtype, width))
    shapes = [(shape.layers, shape.heads, rows, width) for _name, _dtype, width in wanted]
    sizes = [
        prod(one) * np.dtype(NUMPY_TYPES[dtype]).itemsize
        for one, (_name, dtype, _width) in zip(shapes, wanted, strict=True)
    ]
    ends = list(accumulate(sizes))
    return [
        _Tensor(name, dtype, one, end - size, end)
        for (name, dtype, _width), one, size, end in zip(wanted, shapes, sizes, ends, strict=True)
    ]


def _encode_header(record: Record, tensors: list[_Tensor]) -> bytes:
    said = msgspec.json.encode(record)
    header: dict[str, Any] = {"__metadata__": {"record": said.decode(), "check": f"{zlib.crc32(said):08x}"}}
    for one in tensors:
        header[one.name] = {"dtype": one.dtype, "shape": one.shape, "data_offsets": (one.start, one.end)}
    text = msgspec.json.encode(header)
    text += b" " * (-(len(text) + 8) % ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def _decode_header(file: Path, text: bytes, left: int) -> Record:
    """The record of a header, behind which so many bytes follow; raises Damaged."""
    try:
        meta = msgspec.json.decode(text, type=_Header).meta
        said = meta.record.encode()
        if f"{zlib.crc32(said):08x}" != meta.check:
            raise Damaged(file)
        record = msgspec.json.decode(said, type=Record)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Damaged(file) from error
    known = record.format == FORMAT and record.ids and record.shape.dtype in TYPES
    if not known or payload_size(record.shape, len(record.ids), rounded=record.rounded) != left:
        raise Damaged(file)
    return record
