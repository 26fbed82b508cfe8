"""What a signature should be about: something known by its digests, and perhaps by its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from sbomkit.attest.statement import MATCHING_ALGORITHMS
from sbomkit.errors import CannotCheck
from sbomkit.model.digest import Digest

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to verify or sign. All digests are of the same bytes."""

    digests: tuple[Digest, ...]
    content: bytes | None = field(default=None, repr=False)
    """The bytes, where they are at hand; only some plain signatures (Ed25519) need them."""

    @classmethod
    def of_digest(cls, digest: Digest) -> Target:
        return cls((digest,))

    @classmethod
    def of_bytes(cls, content: bytes) -> Target:
        return cls(tuple(Digest.of(content, name) for name in MATCHING_ALGORITHMS), content)

    @classmethod
    def of_file(cls, path: Path, *, keep: bool = False) -> Target:
        """Read a file's digests in one pass; `keep` holds on to the bytes too. Raises CannotCheck."""
        try:
            if keep:
                return cls.of_bytes(path.read_bytes())
            hashers = {name: hashlib.new(name) for name in MATCHING_ALGORITHMS}
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    for hasher in hashers.values():
                        hasher.update(chunk)
        except OSError as error:
            raise CannotCheck(f"cannot read {path}: {error.strerror}") from error
        return cls(tuple(Digest(name, hasher.hexdigest()) for name, hasher in hashers.items()))

    def digest(self, algorithm: str) -> Digest | None:
        return next((digest for digest in self.digests if digest.algorithm == algorithm), None)

    def __str__(self) -> str:
        return str(self.digests[0])
