"""For pull requests: a verdict line, a table of what matters, the rest folded; cut below the limit, and saying so.

GitHub takes 65,536 characters in a comment. The hidden marker lets a CI job replace its own comment only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sbomkit.diff.identity import full_name
from sbomkit.diff.renderers.base import Options, Renderer, clean, human_size, path_text, short_digest, side_name
from sbomkit.diff.summary import matters, verdict_line
from sbomkit.diff.types import PACKAGE_KINDS, Diff, PackageChange

_WIDEST = 300
"""Characters of one cell; a licence text or a command line can be of any length."""
_MATTERS = 25
_NOT_MARKER = re.compile(r"[^A-Za-z0-9._/ -]|--+")
_ICON = {"high": "🔴", "medium": "🟠", "low": "⚪"}

Section = tuple[str, list[str], list[str]]
"""Title, head of its table, rows."""


def render(diff: Diff, options: Options) -> str:
    head = [marker_line(options.marker)] if options.marker else []
    icon = "❌" if not options.verdict.passed else "✅" if options.verdict.rules or diff.is_empty else "🔎"
    head += [f"### {icon} {_text(side_name(diff.before))} → {_text(side_name(diff.after))}", ""]
    head += [f"**{_text(verdict_line(diff, options.verdict))}**", ""]
    for note in diff.notes:
        if note.code != "attribution":
            head.append(f"> ⚠️ {'' if note.side == 'both' else f'{note.side}: '}{_text(note.text)}")
    if head[-1]:
        head.append("")
    top = _matters(diff, options)
    sections = list(_sections(diff, options.explain))
    return _fit("\n".join(head), top, sections, options.limit)


def marker_line(name: str) -> str:
    """The hidden line that a CI job looks for."""
    return f"<!-- sbomkit-diff: {_NOT_MARKER.sub('-', name)} -->"


def _text(text: str) -> str:
    """Nothing in it is markup, a mention or a link."""
    shown = _cut(clean(text))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "\\|")
    return re.sub(r"([\\`*_{}\[\]~#@](?<!\\\|))", lambda m: f"&#{ord(m.group())};", shown)


def _code(text: str) -> str:
    shown = _cut(clean(text)).replace("`", "'").replace("|", "\\|")
    return f"`{shown}`" if shown.strip() else ""


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _matters(diff: Diff, options: Options) -> Section:
    hits = options.verdict.hits
    refused = {hit.name for hit in hits}
    rows = [f"| ❌ | {_text(hit.rule)} | {_code(hit.name)} | {_text(hit.text)} |" for hit in hits]
    rows += [
        f"| {_ICON[matter.weight]} | {_text(matter.what)} | {_code(matter.subject)} | {_text(matter.text)} |"
        for matter in matters(diff)
        if matter.subject not in refused
    ]
    return "", ["| | What | Where | |", "|---|---|---|---|"], rows


def _sections(diff: Diff, explain: bool) -> Iterator[Section]:
    for kind in PACKAGE_KINDS:
        changes = [change for change in diff.packages if change.kind == kind]
        if changes:
            title = f"{len(changes)} package{'s' if len(changes) != 1 else ''} {kind}"
            head = ["| Type | Package | Version | |", "|---|---|---|---|"]
            yield title, head, [_package(change, explain) for change in changes]
    if diff.base is not None or diff.layers:
        title = (
            f"Image: {len(diff.layers)} layer{'' if len(diff.layers) == 1 else 's'} changed, {diff.layers_kept} kept"
        )
        yield title, ["| | What | Size | |", "|---|---|---|---|"], list(_layers(diff))
    if diff.config:
        rows = [f"| {_text(c.setting)} | {_code(c.key)} | {_value(c.old)} | {_value(c.new)} |" for c in diff.config]
        yield f"Config: {len(diff.config)} settings", ["| Setting | Key | Before | After |", "|---|---|---|---|"], rows
    files = diff.files
    if files.changes or files.added or files.removed or files.changed:
        title = f"Files: {files.added} added, {files.removed} removed, {files.changed} changed"
        rows = [
            f"| {_text(c.kind)} | {_code(c.path)} | {_code(short_digest(c.old))} | {_code(short_digest(c.new))} |"
            for c in files.changes
        ]
        yield title, ["| Finding | File | Before | After |", "|---|---|---|---|"], rows


def _value(value: str | None) -> str:
    return "not set" if value is None else _code(value) or "set"


def _package(change: PackageChange, explain: bool) -> str:
    old, new = change.old, change.new
    version = _code(change.package.version)
    if old is not None and new is not None and old.version != new.version:
        version = f"{_code(old.version) or 'none'} → {_code(new.version) or 'none'}"
    about = [change.level, "base image" if change.origin == "base" else "", path_text(change)]
    about += [
        f"{field.name}: {' '.join([*(f'-{v}' for v in field.removed), *(f'+{v}' for v in field.added)])}"
        for field in change.fields
    ]
    if change.uncertain:
        about.append(f"may not be {change.kind}: {change.uncertain}")
    if change.by_name:
        about.append("no purl")
    if explain and change.reason:
        about.append(f"paired by: {change.reason}")
    name = _code(full_name(change.package))
    if change.kind == "renamed" and old is not None and new is not None:
        name = f"{_code(full_name(old))} → {_code(full_name(new))}"
    return f"| {_text(change.package.type)} | {name} | {version} | {_text('; '.join(part for part in about if part))} |"


def _layers(diff: Diff) -> Iterator[str]:
    if diff.base is not None:
        old, new = short_digest(diff.base.old), short_digest(diff.base.new)
        yield f"| base {diff.base.kind} | {_code(old)} → {_code(new)} | | {_text(diff.base.reason)} |"
    for change in diff.layers:
        layer = change.new or change.old
        if layer is not None:
            size = human_size(layer.size)
            yield f"| {change.kind} | {_code(short_digest(layer.diff_id))} | {size} | {_code(layer.created_by)} |"


def _fit(head: str, top: Section, sections: list[Section], limit: int) -> str:
    """What matters first, then section by section as many rows as there is room for; the rest is counted."""
    # Each section's own frame is paid for in advance, so that none is lost to a long one before it.
    frame = sum(len(title) + sum(map(len, heads)) + 120 for title, heads, _ in (top, *sections))
    room = limit - len(head) - frame
    out = [head]
    _, heads, rows = top
    shown, room = _take(rows[:_MATTERS], room)
    if rows:
        out += [*heads, *shown, ""]
        if len(shown) < len(rows):
            out += [f"… and {len(rows) - len(shown)} more of this kind, below.", ""]
    lost = 0
    for title, heads, rows in sections:
        shown, room = _take(rows, room)
        lost += len(rows) - len(shown)
        out += ["<details>", f"<summary>{title}</summary>", "", *heads, *shown, ""]
        if len(shown) < len(rows):
            out += [f"… and {len(rows) - len(shown)} more.", ""]
        out += ["</details>", ""]
    if lost:
        out.append(f"**{lost} rows were cut** to stay below {limit} characters; the full diff has them.")
    return "\n".join(out).rstrip() + "\n"


def _take(rows: list[str], room: int) -> tuple[list[str], int]:
    shown: list[str] = []
    for row in rows:
        if len(row) + 1 > room:
            break
        shown.append(row)
        room -= len(row) + 1
    return shown, room


RENDERER = Renderer("markdown", ".md", "text/markdown", render)
