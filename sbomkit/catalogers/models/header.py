"""What a model's header says, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Header:
    """Every field may be empty; `parameters` is the number of weights."""

    format: str
    name: str = ""
    version: str = ""
    architecture: str = ""
    parameters: int = 0
    quantization: str = ""
    license: str = ""
    author: str = ""
    url: str = ""
    description: str = ""
    producer: str = ""
