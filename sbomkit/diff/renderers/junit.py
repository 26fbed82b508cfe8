"""JUnit XML, for CI systems that show tests: one case a change, failing where a rule refuses it.

Follows the schema of Ant's JUnit report, which the ones of Jenkins and GitLab are wider than:
https://github.com/windyroad/JUnit-Schema
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from sbomkit.diff.judge import describe, describe_config, name_of
from sbomkit.diff.renderers.base import Options, Renderer, clean
from sbomkit.diff.types import Diff

Case = tuple[str, str, str]
"""Class (what it is about), name, what a rule says against it."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")


def render(diff: Diff, options: Options) -> str:
    against: dict[tuple[str, str], list[str]] = {}
    for hit in options.verdict.hits:
        against.setdefault((hit.subject, hit.name), []).append(hit.rule)
    created = _TIME.match(diff.after.created)
    when = created.group() if created else "1970-01-01T00:00:00"
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    suites = [(name, cases) for name, cases in _suites(diff, against) if cases]
    if not suites:
        suites = [("differences", [("sbomkit.diff", "no differences", "")])]
    covered = {key for key in against if key[0] in ("package", "config", "layers", "files", "base")}
    others = [(hit.rule, hit.text, hit.rule) for hit in options.verdict.hits if (hit.subject, hit.name) not in covered]
    if others:
        suites.append(("notes", [(f"sbomkit.diff.{rule}", text, rule) for rule, text, _ in others]))
    for number, (name, cases) in enumerate(suites):
        lines += _suite(number, name, cases, when)
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


def _suites(diff: Diff, against: dict[tuple[str, str], list[str]]) -> list[tuple[str, list[Case]]]:
    def refused(subject: str, name: str) -> str:
        return ", ".join(sorted(set(against.get((subject, name), []))))

    packages = [
        (f"packages.{change.kind}", describe(change), refused("package", name_of(change))) for change in diff.packages
    ]
    image: list[Case] = []
    if diff.base is not None:
        text = f"base {diff.base.kind}: {diff.base.old} to {diff.base.new}"
        image.append(("image.base", text, refused("base", diff.base.new)))
    for change in diff.layers:
        layer = change.new or change.old
        if layer is not None:
            text = f"layer {change.kind}: {layer.created_by or layer.diff_id}"
            image.append(("image.layers", text, refused("layers", layer.diff_id)))
    config = [
        (f"config.{c.setting}", describe_config(c), refused("config", ":".join(filter(None, (c.setting, c.key)))))
        for c in diff.config
    ]
    files = [(f"files.{c.kind}", f"{c.path} {c.status}", refused("files", c.path)) for c in diff.files.changes]
    total = diff.files
    if total.added or total.removed or total.changed:
        text = f"{total.added} files added, {total.removed} removed, {total.changed} changed"
        files.append(("files.count", text, refused("files", "")))
    return [("packages", packages), ("image", image), ("config", config), ("files", files)]


def _suite(number: int, name: str, cases: list[Case], when: str) -> list[str]:
    failures = sum(1 for _, _, refused in cases if refused)
    lines = [
        f'  <testsuite package="sbomkit.diff" id="{number}" name={quoteattr(name)} timestamp="{when}" '
        f'hostname="localhost" tests="{len(cases)}" failures="{failures}" errors="0" time="0">',
        "    <properties/>",
    ]
    for about, text, refused in cases:
        head = f'    <testcase name={_attribute(text)} classname={_attribute(about)} time="0"'
        if not refused:
            lines.append(f"{head}/>")
            continue
        message = f"refused by --fail-on {refused}"
        lines.append(f"{head}>")
        lines.append(
            f"      <failure message={_attribute(message)} type={_attribute(refused)}>{escape(clean(text))}</failure>"
        )
        lines.append("    </testcase>")
    return [*lines, "    <system-out/>", "    <system-err/>", "  </testsuite>"]


def _attribute(text: str) -> str:
    return quoteattr(clean(text))


RENDERER = Renderer("junit", ".xml", "application/xml", render)
