"""GGUF headers: keys and values, then the shapes of all tensors.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from sbomkit.catalogers.base import ParseError
from sbomkit.catalogers.models.header import Header

_FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MAX_KEYS, _MAX_TENSORS, _MAX_TEXT = 10_000, 100_000, 1 << 20
_QUANTIZATIONS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0",
}  # fmt: skip
"""`general.file_type`: the kind that most tensors are of."""


class _Reader:
    def __init__(self, stream: BinaryIO, order: str) -> None:
        self._stream = stream
        self._order = order

    def numbers(self, layout: str) -> tuple[int | float | bool, ...]:
        codec = struct.Struct(self._order + layout)
        raw = self._stream.read(codec.size)
        if len(raw) < codec.size:
            raise EOFError
        return codec.unpack(raw)

    def number(self, layout: str) -> int:
        return int(self.numbers(layout)[0])

    def string(self) -> str:
        size = self.number("Q")
        if size > _MAX_TEXT:
            raise ParseError(f"a GGUF string of {size} bytes")
        return self._take(size).decode(errors="replace")

    def _take(self, size: int) -> bytes:
        raw = self._stream.read(size)
        if len(raw) < size:
            raise EOFError
        return raw

    def value(self, kind: int, depth: int = 0) -> str:
        """A value as text; of an array, which may be a vocabulary, nothing."""
        if kind == _STRING:
            return self.string()
        if kind in _FIXED:
            return str(self.numbers(_FIXED[kind])[0])
        if kind != _ARRAY or depth > 4:
            raise ParseError(f"a GGUF value of kind {kind}")
        inner, count = self.number("I"), self.number("Q")
        if inner in _FIXED:
            self._take(min(count * struct.calcsize(_FIXED[inner]), 1 << 30))
            return ""
        for _ in range(count):
            self.value(inner, depth + 1)
        return ""


def read_gguf(stream: BinaryIO, stem: str) -> Header:
    """Raises ParseError for what is no GGUF; what lies beyond the head that was read is left out."""
    if stream.read(4) != b"GGUF":
        raise ParseError("not a GGUF file")
    raw = stream.read(4)
    order = "<" if raw[:2] != b"\0\0" else ">"
    reader = _Reader(stream, order)
    said: dict[str, str] = {}
    parameters = 0
    try:
        tensors, keys = reader.number("Q"), reader.number("Q")
        for _ in range(min(keys, _MAX_KEYS)):
            key = reader.string()
            said.setdefault(key, reader.value(reader.number("I")))
        for _ in range(min(tensors, _MAX_TENSORS)):
            parameters += _tensor(reader)
    except EOFError:
        parameters = 0
        if not said:
            raise ParseError("a GGUF file that ends inside its header") from None
    general = {key.removeprefix("general."): value for key, value in said.items() if key.startswith("general.")}
    kind = general.get("file_type", "")
    return Header(
        "gguf",
        general.get("name", "") or general.get("basename", ""),
        general.get("version", ""),
        general.get("architecture", ""),
        parameters or _count(general.get("parameter_count", "")),
        _QUANTIZATIONS.get(int(kind), kind) if kind.isdigit() else "",
        general.get("license", ""),
        general.get("author", "") or general.get("organization", ""),
        general.get("url", "") or general.get("repo_url", ""),
        general.get("description", ""),
        general.get("quantized_by", ""),
    )


def _tensor(reader: _Reader) -> int:
    """The number of weights of one tensor."""
    reader.string()
    count = 1
    dimensions = reader.number("I")
    if dimensions > 8:
        raise ParseError(f"a GGUF tensor of {dimensions} dimensions")
    for _ in range(dimensions):
        count *= reader.number("Q")
    reader.numbers("IQ")
    return min(count, 1 << 62)


def _count(value: str) -> int:
    return int(value) if value.isdigit() and len(value) < 19 else 0
