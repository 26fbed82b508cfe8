"""Format `table`: for people at a terminal. What an image names is shown with its control characters written out."""

from __future__ import annotations

from collections import Counter

from sbomkit.model.inventory import Inventory
from sbomkit.model.package import Package
from sbomkit.sbom import coverage, licenses
from sbomkit.sbom.format import Format, Meta
from sbomkit.sbom.text import columns, fit, printable, without_surrogates

_HEADINGS = ("NAME", "VERSION", "TYPE", "LICENSE", "LAYER")
_LIMITS = (50, 40, 14, 40, 12)
"""The widest that each column gets, in columns of the terminal."""
_NARROWEST = (16, 10, 4, 8, 5)
_BOLD, _DIM, _YELLOW, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[33m", "\x1b[0m"


def encode(inventory: Inventory, meta: Meta, version: str) -> bytes:
    """The table, then what it is a table of, in UTF-8."""
    lines = _table(inventory, meta) + _summary(inventory, meta)
    return without_surrogates("\n".join(lines) + "\n").encode()


def _styled(text: str, style: str, meta: Meta) -> str:
    return f"{style}{text}{_PLAIN}" if meta.color else text


def _table(inventory: Inventory, meta: Meta) -> list[str]:
    if not inventory.packages:
        return []
    layers = {layer.diff_id: str(index) for index, layer in enumerate(inventory.subject.layers, 1)}
    order = sorted(inventory.packages, key=lambda p: (p.name, p.version, p.purl))
    rows = [_row(package, layers) for package in order]
    widths = _widths(rows, meta.width)
    lines = [_styled(_line(_HEADINGS, widths), _BOLD, meta)]
    lines += [_line(row, widths) for row in rows]
    return [*lines, ""]


def _row(package: Package, layers: dict[str, str]) -> tuple[str, ...]:
    name = f"{package.namespace}/{package.name}" if package.namespace and package.type in _NAMESPACED else package.name
    stated = dict.fromkeys(_license(license.value) for license in package.licenses)
    layer = layers.get(package.introduced_by) or package.introduced_by.removeprefix("sha256:")[:12]
    cells = (name, package.version, package.type, ", ".join(stated), layer)
    return tuple(printable(cell[:200]) for cell in cells)


_NAMESPACED = frozenset({"npm", "maven", "composer", "golang", "github", "swift"})
"""Types whose namespace is part of what people call the package."""


def _license(value: str) -> str:
    recognised = licenses.recognise(value)
    return " ".join(recognised.value.split())


def _widths(rows: list[tuple[str, ...]], total: int) -> list[int]:
    """The width of each column: what it needs, up to its limit, and less where the terminal is narrow."""
    widths = []
    for index, limit in enumerate(_LIMITS):
        needed = max(columns(row[index]) for row in rows)
        widths.append(min(max(needed, len(_HEADINGS[index])), limit))
    for index in (3, 0, 1, 4, 2):
        over = sum(widths) + 2 * (len(widths) - 1) - total
        if total > 0 and over > 0:
            widths[index] = max(_NARROWEST[index], widths[index] - over)
    return widths


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(fit(cell, width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _summary(inventory: Inventory, meta: Meta) -> list[str]:
    """What was looked at, how much is in it, and how sure that is."""
    subject, distro = inventory.subject, inventory.distro
    lines = [f"{'Image' if subject.kind == 'container' else 'Filesystem'}: {printable(subject.name)}"]
    if subject.digest is not None:
        lines.append(f"Digest: {subject.digest}")
    if subject.platform:
        lines.append(f"Platform: {printable(subject.platform)}, {len(subject.layers)} layers")
    called = distro.pretty_name or " ".join(part for part in (distro.name or distro.id, distro.version_id) if part)
    lines.append(f"Distribution: {printable(called) or 'none found'}")
    counts = Counter(package.type for package in inventory.packages)
    types = ", ".join(f"{printable(type)} {count}" for type, count in sorted(counts.items()))
    if inventory.packages:
        lines.append(f"Packages: {len(inventory.packages)} ({types})")
    else:
        lines.append(f"Packages: none. {_why_none(inventory)}")
    return lines + [_warning(printable(line), inventory, meta) for line in coverage.lines(inventory)]


def _warning(line: str, inventory: Inventory, meta: Meta) -> str:
    return _styled(line, _YELLOW, meta) if coverage.has_gaps(inventory) else _styled(line, _DIM, meta)


def _why_none(inventory: Inventory) -> str:
    """An empty answer is never silent."""
    if inventory.coverage.status == "full":
        return "No package database or manifest that sbomkit knows is in it."
    return "That need not mean that nothing is in it; see below."


FORMAT = Format("table", "text/plain; charset=utf-8", encode, summary="a table for people")
