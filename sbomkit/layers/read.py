"""Reading one layer: a single pass that decompresses, verifies, walks the tar and lets the parsers learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

from sbomkit.errors import CorruptInput
from sbomkit.image.image import Layer
from sbomkit.layers.collect import Collector, Content, Wanted, learn_as, needed_by, normalised
from sbomkit.layers.record import DIRECTORY, FILE, HARDLINK, OTHER, SYMLINK, Entry, Facts, LayerRecord
from sbomkit.layers.select import Matcher
from sbomkit.model.digest import Digest
from sbomkit.model.inventory import Issue
from sbomkit.streams.compression import Readable, decompressed
from sbomkit.streams.tar import Member, TarReader
from sbomkit.streams.verify import Hasher, VerifyingReader, hashed

Progress = Callable[[int], None]
"""Told how many more bytes of the blob were read."""
_KINDS = {ord("1"): HARDLINK, ord("2"): SYMLINK, ord("3"): OTHER, ord("4"): OTHER, ord("5"): DIRECTORY, ord("6"): OTHER}
_KINDS[ord("D")] = DIRECTORY  # GNU dump directory: a list of names follows
_NO_FILES = frozenset(b"VMN")
"""Volume labels, continuations and old GNU names: nothing that a container sees."""


def read_layer(layer: Layer, matcher: Matcher, progress: Progress | None = None) -> LayerRecord:
    """The layer's record. Raises CorruptInput when any byte is not as promised, or the tar is broken."""
    collector = Collector(matcher)

    def visit(entry: Entry, member: Member, reader: TarReader) -> None:
        if not collector.add(entry) or entry.kind != FILE:
            return
        head = reader.peek(16) if matcher.wants_magic and member.size and not member.sparse else b""
        parsers = collector.selected(entry, head)
        if parsers:
            needed = needed_by(parsers, entry.size)
            content = Content(entry.path, entry.size, entry.mode, reader.content(member), needed)
            collector.parse(content, parsers)

    diff_id = _walk(layer, visit, progress)
    return collector.record(str(diff_id))


def read_again(layer: Layer, wanted: Wanted) -> tuple[dict[str, Facts], list[Issue]]:
    """Facts of single files that the first pass could not know were wanted, by the name they were wanted under."""
    facts: dict[str, Facts] = {}
    issues: list[Issue] = []

    def visit(entry: Entry, member: Member, reader: TarReader) -> None:
        names = wanted.get(entry.path) if entry.kind == FILE else None
        if names:
            learn_as(names, entry, lambda: reader.content(member), facts, issues)

    _walk(layer, visit, None)
    return facts, issues


def _walk(layer: Layer, visit: Callable[[Entry, Member, TarReader], None], progress: Progress | None) -> Digest:
    """Visit every member, verify everything, return the diffID."""
    algorithm = layer.diff_id.algorithm if layer.diff_id else "sha256"
    with ExitStack() as stack:
        source: Readable = stack.enter_context(layer.open())
        if progress:
            source = _Counted(source, progress)
        verifying = None
        if layer.descriptor:
            verifying = VerifyingReader(source, layer.descriptor.digest, layer.descriptor.size, layer.name)
            stack.callback(verifying.close)
            source = verifying
        hasher = Hasher(algorithm)
        stack.callback(hasher.close)
        try:
            reader = TarReader(hashed(decompressed(source), hasher))
            for member in reader:
                if member.type not in _NO_FILES:
                    visit(_entry(member), member, reader)
            reader.drain()
        except CorruptInput as error:
            # a wrong digest is the better reason: it says that the bytes are not the image's
            if verifying:
                verifying.finish()
            raise CorruptInput(f"{layer.name}: {error.message}", hint=error.hint) from None
        if verifying:
            verifying.finish()
        diff_id = hasher.digest()
    if layer.diff_id and diff_id != layer.diff_id:
        raise CorruptInput(
            f"{layer.name}: its uncompressed content has the digest {diff_id}, but the config says {layer.diff_id}",
            hint="The image is damaged or was tampered with; fetch it again.",
        )
    return diff_id


def _entry(member: Member) -> Entry:
    kind = _KINDS.get(member.type, FILE)
    if kind == FILE and member.name.endswith("/"):
        kind = DIRECTORY
    link = normalised(member.link) if kind == HARDLINK else member.link
    return Entry(
        normalised(member.name), kind, member.mode, member.uid, member.gid, member.size, link, member.capability
    )


class _Counted:
    def __init__(self, source: Readable, progress: Progress) -> None:
        self._source = source
        self._progress = progress

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        self._progress(len(data))
        return data


def pieces_of(source: Readable, size: int = 1 << 20) -> Iterator[bytes]:
    """The bytes of an open file in pieces."""
    while data := source.read(size):
        yield data
