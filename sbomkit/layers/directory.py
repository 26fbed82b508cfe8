"""A root filesystem in a directory, as a record like any layer's. Links are never followed out of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sbomkit.layers.collect import Collector, Content, Wanted, learn_as, needed_by
from sbomkit.layers.read import pieces_of
from sbomkit.layers.record import DIRECTORY, FILE, OTHER, SYMLINK, Entry, Facts, LayerRecord
from sbomkit.layers.select import Matcher
from sbomkit.model.inventory import Issue

_KERNEL = frozenset(("proc", "sys", "dev"))
"""Kernel file systems, when they are mounted in a live root: no part of what is installed."""


def read_directory(root: Path, matcher: Matcher) -> LayerRecord:
    """The record of everything below `root`, in sorted order; what cannot be read is an issue."""
    collector = Collector(matcher)
    for path, place in _files(root, collector):
        try:
            _visit(collector, path, place)
        except OSError as error:
            collector.issue(path, f"could not be read: {error.strerror or error}")
    return collector.record("")


def _files(root: Path, collector: Collector) -> Iterator[tuple[str, str]]:
    """(path in the image, path here), each directory before what is in it."""
    device = root.stat().st_dev
    pending = [("", str(root))]
    while pending:
        base, place = pending.pop()
        try:
            with os.scandir(place) as found:
                items = sorted(found, key=lambda item: item.name)
        except OSError as error:
            collector.issue(base, f"could not be read: {error.strerror or error}")
            continue
        below = []
        for item in items:
            name = os.fsencode(item.name).decode(errors="backslashreplace")
            path = f"{base}/{name}" if base else name
            yield path, item.path
            if item.is_dir(follow_symlinks=False):
                foreign = path in _KERNEL and item.stat(follow_symlinks=False).st_dev != device
                below += [] if foreign else [(path, item.path)]
        pending += reversed(below)


def _visit(collector: Collector, path: str, place: str) -> None:
    status = os.lstat(place)
    kind, link = OTHER, ""
    if stat.S_ISREG(status.st_mode):
        kind = FILE
    elif stat.S_ISDIR(status.st_mode):
        kind = DIRECTORY
    elif stat.S_ISLNK(status.st_mode):
        kind, link = SYMLINK, os.fsencode(os.readlink(place)).decode(errors="backslashreplace")
    size = status.st_size if kind == FILE else 0
    mode = stat.S_IMODE(status.st_mode)
    entry = Entry(path, kind, mode, status.st_uid, status.st_gid, size, link, _capability(place, kind))
    if not collector.add(entry) or kind != FILE:
        return
    if not collector.matcher.wants_magic or not size:
        parsers = collector.selected(entry, b"")
        if not parsers:
            return
    with open(place, "rb", opener=_no_follow) as file:
        if collector.matcher.wants_magic:
            parsers = collector.selected(entry, file.read(16))
            file.seek(0)
        if parsers:
            collector.parse(Content(path, size, mode, pieces_of(file), needed_by(parsers, size)), parsers)


def read_files(root: Path, wanted: Wanted) -> tuple[dict[str, Facts], list[Issue]]:
    """Facts of single files, by the name they are wanted under; `wanted` paths have no links in them."""
    facts: dict[str, Facts] = {}
    issues: list[Issue] = []
    for path, names in sorted(wanted.items()):
        try:
            with open(root / path, "rb", opener=_no_follow) as file:
                status = os.fstat(file.fileno())
                entry = Entry(path, FILE, stat.S_IMODE(status.st_mode), 0, 0, status.st_size)
                learn_as(names, entry, partial(pieces_of, file), facts, issues)
        except OSError as error:
            issues.append(Issue("/" + path, f"could not be read: {error.strerror or error}"))
    return facts, issues


def _no_follow(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _capability(place: str, kind: str) -> str:
    if kind != FILE or not hasattr(os, "getxattr"):
        return ""
    try:
        return os.getxattr(place, "security.capability", follow_symlinks=False).hex()
    except OSError:
        return ""
