"""A series of inventories as a log: one row a release, what came and what went, with a chart of it over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sbomkit.diff.compare import diff
from sbomkit.diff.document import dumps
from sbomkit.diff.fields import license_names
from sbomkit.diff.renderers.base import clean, human_size, side_name
from sbomkit.diff.renderers.html import code, page, text
from sbomkit.diff.summary import counts, headline
from sbomkit.diff.types import Diff, Side
from sbomkit.model.inventory import Inventory

_SHOWN = 12
"""Changes named in one row."""


@dataclass(frozen=True, slots=True)
class Row:
    """One release."""

    side: Side
    licenses: int
    """How many different licences its packages state."""
    change: Diff | None = None
    """From the release before it; None for the first."""

    @property
    def headline(self) -> str:
        return headline(self.change) if self.change is not None else "the first"


def log(inventories: Sequence[Inventory]) -> tuple[Row, ...]:
    """Rows in the order given, each against the one before it. Holds diffs, not inventories."""
    rows: list[Row] = []
    before: Inventory | None = None
    for inventory in inventories:
        licenses = {name for package in inventory.packages for name in license_names(package.licenses)}
        change = diff(before if before is not None else inventory, inventory)
        rows.append(Row(change.after, len(licenses), change if before is not None else None))
        before = inventory
    return tuple(rows)


def _named(change: Diff | None) -> list[str]:
    """`+name version`, `-name version`, `name old -> new`."""
    found: list[str] = []
    for one in change.packages if change is not None else ():
        old, new = one.old, one.new
        if old is None or new is None:
            found.append(f"{'+' if old is None else '-'}{one.package.name} {one.package.version}".rstrip())
        elif old.version != new.version:
            found.append(f"{new.name} {old.version} -> {new.version}")
    return found


def _cut(names: list[str]) -> list[str]:
    return [*names[:_SHOWN], f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else names


def as_text(rows: Sequence[Row]) -> str:
    lines: list[str] = []
    for row in rows:
        side = row.side
        when = f"  {clean(side.created[:10])}" if side.created else ""
        size = f", {human_size(side.size)}" if side.size is not None else ""
        lines.append(f"{clean(side_name(side))}{when}  {side.packages} packages, {row.licenses} licences{size}")
        lines.append(f"  {row.headline}")
        lines += [f"    {clean(name)}" for name in _cut(_named(row.change))]
    return "\n".join(lines) + "\n"


def as_markdown(rows: Sequence[Row]) -> str:
    lines = ["| Release | Date | Packages | Licences | Size | Change |", "|---|---|---:|---:|---:|---|"]
    for row in rows:
        side = row.side
        name = clean(side_name(side)).replace("|", "\\|").replace("`", "'")
        lines.append(
            f"| `{name}` | {clean(side.created[:10]).replace('|', '')} | {side.packages} | {row.licenses} "
            f"| {human_size(side.size) if side.size is not None else ''} | {row.headline} |"
        )
    return "\n".join(lines) + "\n"


def as_json(rows: Sequence[Row]) -> str:
    return dumps({"releases": [_row(row) for row in rows]})


def _row(row: Row) -> dict[str, Any]:
    side = row.side
    return {
        "name": side_name(side),
        "digest": side.digest,
        "created": side.created,
        "packages": side.packages,
        "licenses": row.licenses,
        "size": side.size,
        "counts": counts(row.change) if row.change is not None else None,
        "changes": _named(row.change),
    }


def as_html(rows: Sequence[Row]) -> str:
    title = f"{len(rows)} releases" + (f": {side_name(rows[0].side)} to {side_name(rows[-1].side)}" if rows else "")
    return page(title, _body(title, rows))


def _body(title: str, rows: Sequence[Row]) -> Iterator[str]:
    yield f"<h1>{text(title)}</h1>"
    names = [side_name(row.side) for row in rows]
    yield from chart("Packages", names, [row.side.packages for row in rows], str)
    if any(row.side.size is not None for row in rows):
        yield from chart("Size", names, [row.side.size for row in rows], human_size)
    yield from chart("Licences", names, [row.licenses for row in rows], str)
    yield '<h2>Releases</h2><div class="wide"><table><thead><tr>'
    yield "".join(f"<th>{head}</th>" for head in ("Release", "Date", "Packages", "Licences", "Size", "Change"))
    yield "</tr></thead><tbody>"
    for row in rows:
        side = row.side
        named = "<br>".join(code(name) for name in _cut(_named(row.change)))
        cells = (
            f"<b>{text(side_name(side))}</b>", text(side.created[:10]), str(side.packages), str(row.licenses),
            human_size(side.size) if side.size is not None else "", f"{text(row.headline)}<br>{named}",
        )  # fmt: skip
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table></div>"


_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 1100, 220, 80, 40, 16, 34


def chart(title: str, names: Sequence[str], values: Sequence[int | None], show: Any) -> Iterator[str]:
    """One line as SVG, from 0 up; a release without the number leaves a gap."""
    top = max((value for value in values if value is not None), default=0) or 1
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(values) - 1)
    points = [
        (_LEFT + at * step, _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM), at, value)
        for at, value in enumerate(values)
        if value is not None
    ]
    yield f'<h2>{text(title)}</h2><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{text(title)}">'
    for share in (0, 0.5, 1):
        y = _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)
        ends = f'x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"'
        yield f'<line {ends} stroke="currentColor" opacity=".2"/>'
        label = text(str(show(round(top * share))))
        place = f'x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end"'
        yield f'<text {place} font-size="12" fill="currentColor">{label}</text>'
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in points)
    yield f'<polyline points="{line}" fill="none" stroke="#2f81f7" stroke-width="2"/>'
    every = max(1, len(names) // 12)
    for x, y, at, value in points:
        told = text(f"{names[at]}: {show(value)}")
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#2f81f7"><title>{told}</title></circle>'
        if at % every == 0:
            label = text(names[at][-18:])
            yield (
                f'<text x="{x:.1f}" y="{_HEIGHT - 12}" text-anchor="middle" font-size="11" fill="currentColor">'
                f"{label}</text>"
            )
    yield "</svg>"
