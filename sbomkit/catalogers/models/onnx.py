"""ONNX headers: the fields of a ModelProto that are not its graph's weights.

Format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto over https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from sbomkit.catalogers.base import ParseError
from sbomkit.catalogers.models.header import Header

_PRODUCER, _PRODUCER_VERSION, _DOMAIN, _VERSION, _DOC, _GRAPH, _METADATA = 2, 3, 4, 5, 6, 7, 14
_GRAPH_NAME, _INITIALIZER = 2, 5
_MAX_TEXT = 1 << 20
_TYPES = {1: "F32", 2: "U8", 3: "I8", 10: "F16", 11: "F64", 16: "BF16", 21: "U4", 22: "I4"}


def read_onnx(stream: BinaryIO, stem: str) -> Header:
    """Raises ParseError for what is no ONNX model; what lies beyond the head that was read is left out."""
    data = memoryview(stream.read())
    said: dict[int, str] = {}
    metadata: dict[str, str] = {}
    graph = ("", 0, "")
    ir_version = 0
    for field, value in _fields(data):
        if field == 1 and isinstance(value, int):
            ir_version = value
        elif field == _VERSION and isinstance(value, int):
            said[field] = str(value)
        elif field == _GRAPH and isinstance(value, memoryview):
            graph = _graph(value)
        elif field == _METADATA and isinstance(value, memoryview):
            pair = {number: _text(part) for number, part in _fields(value) if isinstance(part, memoryview)}
            metadata[pair.get(1, "")] = pair.get(2, "")
        elif isinstance(value, memoryview) and field in (_PRODUCER, _PRODUCER_VERSION, _DOMAIN, _DOC):
            said[field] = _text(value)
    if not 0 < ir_version < 100:
        raise ParseError("not an ONNX model")
    name, parameters, kind = graph
    plain = name if name not in ("main_graph", "torch_jit", "torch-jit-export", "graph", "") else ""
    version = said.get(_VERSION, "")
    return Header(
        "onnx",
        metadata.get("name", "") or plain,
        metadata.get("version", "") or (version if version not in ("0", "") else ""),
        metadata.get("architecture", ""),
        parameters,
        kind,
        metadata.get("license", ""),
        metadata.get("author", ""),
        metadata.get("url", ""),
        said.get(_DOC, ""),
        " ".join(part for part in (said.get(_PRODUCER, ""), said.get(_PRODUCER_VERSION, "")) if part),
    )


def _graph(data: memoryview) -> tuple[str, int, str]:
    """Name, weights and their most frequent type; the weights' own bytes are stepped over."""
    name, parameters = "", 0
    kinds: dict[int, int] = {}
    for field, value in _fields(data):
        if field == _GRAPH_NAME and isinstance(value, memoryview):
            name = _text(value)
        elif field == _INITIALIZER and isinstance(value, memoryview):
            count, kind = _tensor(value)
            parameters += count
            kinds[kind] = kinds.get(kind, 0) + count
    most = max(kinds, key=lambda kind: (kinds[kind], kind)) if kinds else 0
    return name, parameters, _TYPES.get(most, "")


def _tensor(data: memoryview) -> tuple[int, int]:
    count, kind, dimensions = 1, 0, 0
    for field, value in _fields(data):
        if field == 1:
            sides = [value] if isinstance(value, int) else list(_varints(value))
            dimensions += len(sides)
            for side in sides[:16]:
                count *= min(side, 1 << 40)
        elif field == 2 and isinstance(value, int):
            kind = value
    return (min(count, 1 << 62) if dimensions <= 16 else 0), kind


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers and values of a message; a field that is cut off ends it, with what there is of it."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind, field = tag & 7, tag >> 3
        if kind == 0:
            value, at = _varint(data, at)
            yield field, value
        elif kind == 2:
            size, at = _varint(data, at)
            yield field, data[at : at + size]
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            return


def _varints(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    return value, len(data) if at >= len(data) else at


def _text(data: memoryview) -> str:
    return bytes(data[:_MAX_TEXT]).decode(errors="replace")
