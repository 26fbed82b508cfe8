"""Writing what a command made: whole files or none, one document at most to standard output."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sbomkit.errors import UsageError


def write_all(outputs: Iterable[tuple[str, bytes]]) -> None:
    """(path or "" for standard output, content) each. A file appears under its name only when it is complete."""
    for path, content in outputs:
        if path:
            write_file(Path(path), content)
        else:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()


def write_file(path: Path, content: bytes) -> None:
    """Replace the file at once, through a temporary one beside it. Devices and pipes are written to as they are."""
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    target = path.resolve()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask())
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def source_date_epoch() -> str:
    """The time that SOURCE_DATE_EPOCH names, in RFC 3339; empty where it is not set. Raises UsageError.

    https://reproducible-builds.org/specs/source-date-epoch/
    """
    stated = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not stated:
        return ""
    try:
        return datetime.fromtimestamp(int(stated), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"SOURCE_DATE_EPOCH is {stated[:40]!r}, which is no time in seconds") from None


def wants_color(stream_is_terminal: bool) -> bool:
    """Colours only for a terminal, and not where NO_COLOR says otherwise (https://no-color.org)."""
    return stream_is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
