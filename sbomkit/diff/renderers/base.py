"""What every way of showing a diff is, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sbomkit.diff.judge import Verdict
from sbomkit.diff.types import Diff, PackageChange, Side

PLAIN: Mapping[str, str] = {}
ANSI: Mapping[str, str] = {
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
    "red": "\x1b[31m",
    "green": "\x1b[32m",
    "yellow": "\x1b[33m",
    "blue": "\x1b[34m",
    "magenta": "\x1b[35m",
    "cyan": "\x1b[36m",
    "": "\x1b[0m",
}


@dataclass(frozen=True, slots=True)
class Options:
    """How to show it."""

    verdict: Verdict = field(default_factory=Verdict)
    colors: Mapping[str, str] = field(default_factory=lambda: PLAIN)
    """Style to terminal sequence, with the reset under the empty name; none where there are no colours."""
    explain: bool = False
    """Say of every pair why it is one."""
    marker: str = ""
    """A name by which a CI job finds its own comment again (markdown)."""
    limit: int = 65_000
    """Characters of markdown; GitHub takes up to 65,536."""
    tool_version: str = ""


@dataclass(frozen=True, slots=True)
class Renderer:
    """One way of showing a diff. `render` is pure."""

    name: str
    suffix: str
    """Of the file that it is usually written to."""
    media_type: str
    render: Callable[[Diff, Options], str]


# Control characters, and the marks that turn text around: a package's name must not be able to redraw the page.
_CONTROL = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (
        *range(0x20),
        *range(0x7F, 0xA0),
        0x61C,
        0x200E,
        0x200F,
        0x2028,
        0x2029,
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        0xFEFF,
        *range(0xD800, 0xE000),
        0xFFFE,
        0xFFFF,
    )
}


def clean(text: str) -> str:
    """The text with everything escaped that is not for reading; one line."""
    return text.translate(_CONTROL)


def human_size(size: int | None) -> str:
    """Bytes in decimal units, as registries tell them."""
    if size is None:
        return "?"
    value, unit = float(abs(size)), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    sign = "-" if size < 0 else ""
    return f"{sign}{int(value)} B" if unit == "B" else f"{sign}{value:.1f} {unit}"


def short_digest(text: str) -> str:
    algorithm, colon, value = text.partition(":")
    return f"{algorithm}:{value[:12]}" if colon and len(value) > 12 else text


def side_name(side: Side) -> str:
    name = side.name or side.digest or "(unnamed)"
    return f"{name} {side.version}" if side.version and side.version not in name else name


def path_text(change: PackageChange) -> str:
    """`app -> express -> body-parser`, for what hangs on something else."""
    path = change.reach.path
    return " -> ".join(path) if len(path) > 1 else ""
