"""safetensors headers: a length, then JSON of tensors and free metadata.

Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO

from sbomkit.catalogers.base import ParseError
from sbomkit.catalogers.models.header import Header
from sbomkit.catalogers.reading.values import entries, json_value, mapping, text

_MAX_HEADER = 24 << 20


def read_safetensors(stream: BinaryIO, size: int, stem: str) -> Header:
    """Raises ParseError for what is no safetensors file, or has a header larger than what is read of it."""
    length = int.from_bytes(stream.read(8), "little")
    if length > min(_MAX_HEADER, size - 8):
        raise ParseError(f"a safetensors header of {length} bytes")
    header = mapping(json_value(stream.read(length).rstrip(b" \0")))
    said = {key: text(value) for key, value in mapping(header.get("__metadata__")).items()}
    parameters = 0
    kinds: Counter[str] = Counter()
    for name, value in header.items():
        if name == "__metadata__":
            continue
        count = 1
        for side in entries(mapping(value).get("shape")):
            count *= side if isinstance(side, int) and side >= 0 else 0
        parameters += min(count, 1 << 62)
        kinds[text(mapping(value).get("dtype"))] += min(count, 1 << 62)
    most = max(kinds.items(), key=lambda item: (item[1], item[0]))[0] if kinds else ""
    return Header(
        "safetensors",
        said.get("modelspec.title", "") or said.get("name", ""),
        said.get("modelspec.version", "") or said.get("version", ""),
        said.get("modelspec.architecture", "") or said.get("architecture", ""),
        parameters,
        most,
        said.get("modelspec.license", "") or said.get("license", ""),
        said.get("modelspec.author", "") or said.get("author", ""),
        said.get("modelspec.source", ""),
        said.get("modelspec.description", ""),
        said.get("format", ""),
    )
