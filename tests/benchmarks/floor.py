"""The floor: what reading an image costs before anything is learned from it.

    python tests/benchmarks/floor.py LAYOUT

One process, one thread: for every layer of the layout's first image, the blob is decompressed (gzip by isal, zstd by
zstandard) and the tar's headers are walked from one to the next. No digest is computed, no name is decoded, nothing is
kept. It needs nothing of sbomkit, and it is no judge of its results.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import zstandard
from isal import isal_zlib

PIECE = 1 << 20


def pieces(path: Path) -> Iterator[bytes]:
    """A layer's uncompressed bytes."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if head == b"\x28\xb5\x2f\xfd":
            yield from zstandard.ZstdDecompressor().read_to_iter(file, read_size=PIECE)
            return
        inflate = isal_zlib.decompressobj(wbits=31) if head[:2] == b"\x1f\x8b" else None
        while data := file.read(PIECE):
            yield inflate.decompress(data) if inflate else data


def walk(stream: Iterator[bytes]) -> int:
    """How many members a tar has."""
    buffer, skip, count = b"", 0, 0
    for piece in stream:
        if skip >= len(piece):
            skip -= len(piece)
            continue
        buffer = buffer + piece[skip:] if buffer else piece[skip:]
        skip, at = 0, 0
        while len(buffer) - at >= 512:
            field = buffer[at + 124 : at + 136]
            size = int(field.strip(b" \0") or b"0", 8) if field[0] < 0x80 else int.from_bytes(field[1:], "big")
            count += buffer[at] != 0
            at += 512 + (size + 511) // 512 * 512
        skip = max(0, at - len(buffer))
        buffer = buffer[at:]
    return count


def main(layout: Path) -> None:
    def blob(digest: str) -> Path:
        return layout / "blobs" / digest.replace(":", "/")

    document = json.loads((layout / "index.json").read_bytes())
    while "manifests" in document:
        document = json.loads(blob(document["manifests"][0]["digest"]).read_bytes())
    print(sum(walk(pieces(blob(layer["digest"]))) for layer in document["layers"]), "members")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
