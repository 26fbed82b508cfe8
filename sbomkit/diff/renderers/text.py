"""For a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from sbomkit.diff.identity import full_name
from sbomkit.diff.judge import is_root
from sbomkit.diff.renderers.base import Options, Renderer, clean, human_size, path_text, short_digest, side_name
from sbomkit.diff.summary import headline, verdict_line
from sbomkit.diff.types import PACKAGE_KINDS, ConfigChange, Diff, PackageChange, PackageKind, Side

_SIGNS: dict[str, tuple[str, str]] = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "upgraded": ("↑", "cyan"),
    "downgraded": ("↓", "magenta"),
    "changed": ("~", "yellow"),
    "rebuilt": ("≈", "yellow"),
    "renamed": ("→", "blue"),
    "moved": ("»", "blue"),
}
_WIDEST = 44
_MANY_ITEMS = 6


class _Pen:
    """Colours and columns. What it is given is cleaned before it is coloured."""

    def __init__(self, options: Options) -> None:
        self._colors = options.colors

    def __call__(self, style: str, text: str, width: int = 0) -> str:
        shown = clean(text).ljust(width)
        start = self._colors.get(style, "")
        return f"{start}{shown}{self._colors.get('', '')}" if start else shown


def render(diff: Diff, options: Options) -> str:
    pen = _Pen(options)
    lines = [*_head(diff, pen), *_notes(diff, pen)]
    lines += _packages(diff, pen, options.explain)
    lines += _image(diff, pen)
    lines += _config(diff, pen)
    lines += _files(diff, pen)
    lines += ["", *_verdict(diff, options, pen)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _head(diff: Diff, pen: _Pen) -> Iterator[str]:
    before, after = diff.before, diff.after
    yield f"{pen('bold', side_name(before))} {pen('dim', '→')} {pen('bold', side_name(after))}"
    pairs = [(side.digest or side.image_id, side.platform, side.distro) for side in (before, after)]
    for old, new in zip(*pairs, strict=True):
        if old or new:
            yield "  " + pen("dim", _arrow(short_digest(old) or "?", short_digest(new) or "?"))
    yield "  " + pen("dim", f"{_numbers(before)}  →  {_numbers(after)}")


def _arrow(old: str, new: str) -> str:
    return old if old == new else f"{old} → {new}"


def _numbers(side: Side) -> str:
    parts = [f"{side.packages} packages"]
    if side.layers:
        parts.append(f"{side.layers} layers")
    if side.size is not None:
        parts.append(human_size(side.size))
    return ", ".join(parts)


def _notes(diff: Diff, pen: _Pen) -> Iterator[str]:
    shown = [note for note in diff.notes if note.code != "attribution"]
    if shown:
        yield ""
    for note in shown:
        yield pen("yellow", f"! {note.side}: {note.text}" if note.side != "both" else f"! {note.text}")


def _title(pen: _Pen, title: str, about: str) -> list[str]:
    return ["", f"{pen('bold', title)}  {pen('dim', about)}"]


def _packages(diff: Diff, pen: _Pen, explain: bool) -> Iterator[str]:
    if not diff.packages:
        return
    about = ", ".join(f"{diff.count(kind)} {kind}" for kind in PACKAGE_KINDS if diff.count(kind))
    more = [f"{diff.unchanged} unchanged"] + ([f"{diff.ignored} ignored"] if diff.ignored else [])
    yield from _title(pen, "PACKAGES", f"{about or 'none for certain'} ({', '.join(more)})")
    for origin, title in (("app", "application"), ("unknown", "origin unknown"), ("base", "base image")):
        changes = [change for change in diff.packages if change.origin == origin]
        if changes:
            yield "  " + pen("dim", title)
            yield from _table(changes, pen, explain)


def _order(change: PackageChange) -> tuple[object, ...]:
    kinds: tuple[PackageKind, ...] = PACKAGE_KINDS
    return change.package.type, bool(change.uncertain), kinds.index(change.kind), change.sort_key


def _table(changes: list[PackageChange], pen: _Pen, explain: bool) -> Iterator[str]:
    names = {id(change): clean(_name(change)) for change in changes}
    types = max(len(clean(change.package.type)) for change in changes)
    width = min(_WIDEST, max(map(len, names.values())))
    versions = min(_WIDEST, max(len(clean(_versions(change))) for change in changes))
    for change in sorted(changes, key=_order):
        sign, style = _SIGNS[change.kind]
        if change.uncertain:
            sign, style = "?", "yellow"
        about = [change.level, path_text(change), *_fields(change)]
        if change.by_name:
            about.append("no purl")
        if change.incomparable:
            about.append("no order between these versions")
        if change.uncertain:
            about.append(f"may not be {change.kind}: {change.uncertain}")
        yield (
            f"    {pen(style, sign)} {pen('dim', change.package.type, types)}  {pen('', names[id(change)], width)}  "
            f"{pen(style, _versions(change), versions)}  {pen('dim', '; '.join(part for part in about if part))}"
        )
        if explain and change.reason:
            yield "        " + pen("dim", f"paired by: {change.reason}")


def _name(change: PackageChange) -> str:
    if change.kind == "renamed" and change.old is not None and change.new is not None:
        return f"{full_name(change.old)} → {full_name(change.new)}"
    return full_name(change.package)


def _versions(change: PackageChange) -> str:
    old, new = change.old, change.new
    if old is None or new is None or old.version == new.version:
        return change.package.version
    return f"{old.version or '(none)'} → {new.version or '(none)'}"


def _fields(change: PackageChange) -> Iterator[str]:
    for field in change.fields:
        gone = [f"-{value}" for value in field.removed[:_MANY_ITEMS]]
        come = [f"+{value}" for value in field.added[:_MANY_ITEMS]]
        left = max(0, len(field.removed) - _MANY_ITEMS) + max(0, len(field.added) - _MANY_ITEMS)
        yield f"{field.name}: {' '.join([*gone, *come])}{f' and {left} more' if left else ''}"


def _image(diff: Diff, pen: _Pen) -> Iterator[str]:
    if diff.base is None and not diff.layers:
        return
    number = f"{len(diff.layers)} layer{'' if len(diff.layers) == 1 else 's'}"
    yield from _title(pen, "IMAGE", f"{number} changed, {diff.layers_kept} kept")
    if diff.base is not None:
        old, new = short_digest(diff.base.old), short_digest(diff.base.new)
        arrow = pen("yellow", f"{old} → {new}")
        yield f"    {pen('yellow', '~')} base {diff.base.kind}: {arrow}  {pen('dim', diff.base.reason)}"
    for change in diff.layers:
        sign, style = _SIGNS[change.kind]
        layer = change.new or change.old
        if layer is None:
            continue
        size = human_size(layer.size)
        if change.old is not None and change.new is not None:
            size = _arrow(human_size(change.old.size), human_size(change.new.size))
        index = max(change.old_index, change.new_index) + 1
        yield (
            f"    {pen(style, sign)} layer {index:<3} {pen('dim', short_digest(layer.diff_id))}  "
            f"{pen(style, size)}  {clean(layer.created_by)[:120]}"
        )


def _config(diff: Diff, pen: _Pen) -> Iterator[str]:
    if not diff.config:
        return
    yield from _title(pen, "CONFIG", f"{len(diff.config)} settings")
    width = max(len(change.setting) for change in diff.config)
    for change in diff.config:
        sign, style = _SIGNS["added" if change.old is None else "removed" if change.new is None else "changed"]
        risen = change.setting == "user" and is_root(change.new) and not is_root(change.old)
        warning = "  " + pen("red", "runs as root now") if risen else ""
        yield f"    {pen(style, sign)} {pen('', change.setting, width)}  {_setting(change, pen)}{warning}"


def _setting(change: ConfigChange, pen: _Pen) -> str:
    key = f"{pen('bold', change.key)} " if change.key else ""
    old, new = change.old, change.new
    if old is None or new is None:
        return (key + pen("", (new if old is None else old) or "")).rstrip()
    return f"{key}{pen('red', old or '(empty)')} → {pen('green', new or '(empty)')}"


def _files(diff: Diff, pen: _Pen) -> Iterator[str]:
    files = diff.files
    if not (files.changes or files.added or files.removed or files.changed):
        return
    about = f"{files.added} added ({human_size(files.bytes_added)}), {files.removed} removed "
    yield from _title(pen, "FILES", f"{about}({human_size(files.bytes_removed)}), {files.changed} changed")
    width = max((len(change.kind) for change in files.changes), default=0)
    for change in files.changes:
        style = "green" if change.status == "gone" else "red"
        sign = "-" if change.status == "gone" else "!"
        parts = " → ".join(short_digest(part) for part in (change.old, change.new) if part)
        about = "; ".join(part for part in (parts, change.detail, change.owner and f"of {change.owner}") if part)
        yield f"    {pen(style, sign)} {pen(style, change.kind, width)}  {clean(change.path)}  {pen('dim', about)}"


def _verdict(diff: Diff, options: Options, pen: _Pen) -> Iterator[str]:
    verdict = options.verdict
    style = "bold" if not verdict.rules else "green" if verdict.passed else "red"
    yield pen(style, verdict_line(diff, verdict))
    for hit in verdict.hits:
        yield f"  {pen('red', hit.rule)}: {clean(hit.text)}"
    if diff.ignored and not diff.packages:
        yield pen("dim", f"{diff.ignored} ignored; {headline(diff)}")


RENDERER = Renderer("text", ".txt", "text/plain", render)
