"""Content digests, as OCI writes them: `algorithm:hex`.

https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

HEX_LENGTH = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
_HEX = re.compile(r"[0-9a-f]+\Z")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A digest that is well formed: known algorithm, lower-case hex of its length."""

    algorithm: str
    hex: str

    def __post_init__(self) -> None:
        length = HEX_LENGTH.get(self.algorithm)
        if length is None:
            raise ValueError(f"unknown digest algorithm {self.algorithm!r}")
        if len(self.hex) != length or not _HEX.match(self.hex):
            raise ValueError(f"not a {self.algorithm} digest in lower-case hex: {self.hex[:140]!r}")

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read `sha256:...`. Raises ValueError for anything else."""
        algorithm, colon, value = text.partition(":")
        if not colon:
            raise ValueError(f"not a digest: {text[:140]!r}")
        return cls(algorithm, value)

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Digest:
        return cls(algorithm, hashlib.new(algorithm, data, usedforsecurity=False).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"
