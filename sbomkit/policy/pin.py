"""Digests written back into the files that were checked: only image references change, byte for byte.

A reference is replaced where it stands, in the quotes it stands in; comments, order and line ends stay.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sbomkit.policy.marked import MarkedError
from sbomkit.policy.targets import BUILD_ROLES, ImageUse, Target

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@-]*(?::[A-Za-z0-9._/@-]+)*\Z")


@dataclass(frozen=True, slots=True)
class Pinned:
    """The files as they should be, and what could not be pinned, with the reason."""

    texts: dict[str, str]
    left: tuple[tuple[ImageUse, str], ...] = ()


def pin(target: Target, digests: Mapping[str, str]) -> Pinned:
    """Write `digests` (by reference as used) behind the references of `target`. Raises MarkedError for a lying mark."""
    texts = dict(target.texts)
    left: list[tuple[ImageUse, str]] = []
    spots: dict[str, dict[tuple[int, int], tuple[str, ImageUse]]] = {}
    for use in target.uses:
        digest = digests.get(use.reference)
        if use.built or use.role in BUILD_ROLES or not use.pinnable:
            left.append((use, "it is built from source, or belongs to a build"))
        elif digest is None:
            left.append((use, "its digest is not known"))
        else:
            wanted = f"{use.reference.partition('@')[0]}@{digest}"
            here = spots.setdefault(use.mark.file, {})
            known = here.setdefault((use.mark.start, use.mark.end), (wanted, use))
            if known[0] != wanted:
                raise MarkedError(use.mark, "the same text stands for two images and cannot be pinned to both")
    for file, places in spots.items():
        # from the end, so that what comes before keeps its place
        for (start, end), (wanted, use) in sorted(places.items(), reverse=True):
            if use.reference != wanted:
                texts[file] = _spliced(texts[file], start, end, wanted)
    return Pinned(texts, tuple(left))


def _spliced(text: str, start: int, end: int, wanted: str) -> str:
    old = text[start:end]
    # a block scalar's end is the beginning of what follows it
    kept = old[len(old.rstrip()) :] if old[:1] in ("|", ">") else ""
    quote = old[:1] if old[:1] in ("'", '"') else ""
    if not quote and (kept or not _PLAIN.match(wanted)):
        quote = '"'
    return text[:start] + quote + wanted + quote + kept + text[end:]


def patch(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """A unified patch of all files that differ, for `patch -p1` or `git apply`."""
    parts: list[str] = []
    for file in sorted(after):
        parts += _file_patch(file, before.get(file, ""), after[file])
    return "".join(parts)


def _file_patch(file: str, old: str, new: str) -> Iterable[str]:
    """Lines end at LF only; a last line without one says so, as `diff` does."""
    if old == new:
        return
    lines = difflib.unified_diff(_lines(old), _lines(new), f"a/{file}", f"b/{file}")
    for line in lines:
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)
