"""A growing Merkle tree with inclusion proofs. https://www.rfc-editor.org/rfc/rfc6962#section-2.1"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return _node(_root(leaves[:k]), _root(leaves[k:]))


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*_path(index, leaves[:k]), _root(leaves[k:])]
    return [*_path(index - k, leaves[k:]), _root(leaves[:k])]


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where an entry sits in the tree, and the hashes that prove it."""

    index: int
    size: int
    root: bytes
    path: tuple[bytes, ...]


class MerkleTree:
    def __init__(self) -> None:
        self._leaves: list[bytes] = []

    def append(self, body: bytes) -> Inclusion:
        self._leaves.append(hashlib.sha256(b"\x00" + body).digest())
        return self.prove(len(self._leaves) - 1)

    def prove(self, index: int) -> Inclusion:
        """Prove leaf `index` against the tree as it is now."""
        return Inclusion(index, len(self._leaves), _root(self._leaves), tuple(_path(index, self._leaves)))
