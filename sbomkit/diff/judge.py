"""`--fail-on`: which changes are too much. A word names a kind of change; `license:GLOB` one with an argument.

What may only not have been seen does not count as removed or added; `coverage` fails for that.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sbomkit.diff.compare import new_licenses
from sbomkit.diff.identity import full_name, has_purl
from sbomkit.diff.types import PACKAGE_KINDS, ConfigChange, Diff, PackageChange
from sbomkit.errors import UsageError

Subject = Literal["package", "config", "layers", "files", "base", "note"]


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """One change that a rule refuses."""

    rule: str
    subject: Subject
    name: str
    """The package's purl (or name), the file, the setting."""
    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One word of `--fail-on`, as written."""

    word: str
    find: Callable[[Diff], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say. Without rules nothing was asked, and nothing is refused."""

    rules: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.hits

    @property
    def word(self) -> str:
        if not self.rules:
            return "not judged"
        return "passed" if self.passed else "failed"


_LEVELS = ("major", "minor", "patch")
_CONFIG = (
    "user", "entrypoint", "cmd", "env", "ports", "volumes", "workdir", "healthcheck", "stopsignal", "labels",
)  # fmt: skip
_FILES = {
    "tamper": "tamper",
    "setuid": "setuid",
    "setgid": "setgid",
    "capability": "capability",
    "world-writable": "world-writable",
    "unowned": "unowned-executable",
    "secret": "secret",
}
KINDS = (
    *PACKAGE_KINDS, *_LEVELS, "incomparable", "license", "license:GLOB", "supplier", "unknown-origin", "packages",
    *_FILES, "files", *_CONFIG, "root", "config", "base", "layers", "platform", "coverage", "any",
)  # fmt: skip


def parse(words: Iterable[str]) -> tuple[Rule, ...]:
    """Rules from words, which may hold several, divided by commas. Raises UsageError for one that is not known."""
    found: dict[str, Rule] = {}
    for text in words:
        for word in text.split(","):
            word = word.strip()
            if word:
                found[word] = Rule(word, _finder(word))
    return tuple(found[word] for word in sorted(found))


def judge(diff: Diff, rules: Iterable[Rule]) -> Verdict:
    rules = tuple(rules)
    hits = {hit for rule in rules for hit in rule.find(diff)}
    return Verdict(tuple(rule.word for rule in rules), tuple(sorted(hits)))


def _finder(word: str) -> Callable[[Diff], Iterator[Hit]]:
    name, colon, argument = word.partition(":")
    lower = name.lower()
    if colon:
        if lower not in ("license", "licence") or not argument:
            raise UsageError(f"--fail-on: {word!r} takes no argument", hint=f"Known: {', '.join(KINDS)}.")
        return _packages(word, _license(argument))
    tests = _package_tests()
    if lower in tests:
        return _packages(word, tests[lower])
    if lower in _FILES or lower == "files":
        return lambda diff: _file_hits(diff, word, _FILES.get(lower, ""))
    if lower in _CONFIG or lower == "config":
        return lambda diff: _config_hits(diff, word, lambda change: lower in ("config", change.setting))
    if lower == "root":
        return lambda diff: _config_hits(diff, word, _becomes_root)
    if lower in ("base", "layers"):
        return lambda diff: (hit for hit in _image_hits(diff, word) if hit.subject == lower)
    if lower in ("platform", "coverage"):
        return lambda diff: (Hit(word, "note", n.side, n.text) for n in diff.notes if n.code == lower)
    if lower == "any":
        return lambda diff: _any(diff, word)
    raise UsageError(f"--fail-on: unknown kind {word!r}", hint=f"Known: {', '.join(KINDS)}.")


PackageTest = Callable[[PackageChange], bool]


def _package_tests() -> dict[str, PackageTest]:
    tests: dict[str, PackageTest] = {kind: _of_kind(kind) for kind in PACKAGE_KINDS}
    tests |= {level: _of_level(level) for level in _LEVELS}
    tests["incomparable"] = lambda change: change.incomparable
    tests["license"] = tests["licence"] = lambda change: change.old is not None and bool(new_licenses(change))
    tests["supplier"] = lambda change: any(field.name == "supplier" for field in change.fields)
    tests["unknown-origin"] = unknown_origin
    tests["packages"] = lambda _: True
    return tests


def _of_kind(kind: str) -> PackageTest:
    return lambda change: change.kind == kind


def _of_level(level: str) -> PackageTest:
    return lambda change: change.level == level


def _license(glob: str) -> PackageTest:
    """A licence that came, or one of its terms, fits: `GPL-*` also finds `MIT OR GPL-2.0-only`."""
    pattern = re.compile(fnmatch.translate(glob), re.IGNORECASE)
    terms = re.compile(r"[()\s]+(?:AND|OR|WITH)?[()\s]*|[()]", re.IGNORECASE)

    def fits(change: PackageChange) -> bool:
        return any(
            pattern.match(text) is not None
            for value in new_licenses(change)
            for text in (value, *filter(None, terms.split(value)))
        )

    return fits


_ORIGIN_QUALIFIERS = ("download_url=", "vcs_url=", "checksum=", "repository_url=")


def unknown_origin(change: PackageChange) -> bool:
    """A package that is new and says nowhere where it is from: no purl, or a generic one without any address."""
    package = change.new
    if package is None or change.old is not None:
        return False
    if not has_purl(package):
        return not (package.supplier or package.homepage)
    told = package.supplier or package.homepage or any(word in package.purl for word in _ORIGIN_QUALIFIERS)
    return package.type == "generic" and not told


def describe(change: PackageChange) -> str:
    """One line for people, without colours."""
    old, new = change.old, change.new
    name = full_name(change.package)
    if old is None or new is None:
        return f"{name} {change.package.version} {change.kind}".replace("  ", " ")
    if change.kind == "renamed":
        return f"{full_name(old)} {old.version} renamed to {full_name(new)} {new.version}"
    if old.version != new.version:
        return f"{name} {old.version or '(no version)'} {change.kind} to {new.version or '(no version)'}"
    return f"{name} {new.version} {change.kind}: {', '.join(field.name for field in change.fields)}"


def name_of(change: PackageChange) -> str:
    package = change.package
    return package.purl or f"{package.name}@{package.version}"


def _packages(word: str, test: PackageTest) -> Callable[[Diff], Iterator[Hit]]:
    return lambda diff: (
        Hit(word, "package", name_of(change), describe(change))
        for change in diff.packages
        if not change.uncertain and test(change)
    )


def _file_hits(diff: Diff, word: str, kind: str) -> Iterator[Hit]:
    """What went away again is no reason to refuse; `files` asks for any difference."""
    for change in diff.files.changes:
        if (change.kind == kind and change.status != "gone") or not kind:
            yield Hit(word, "files", change.path, f"{change.kind} {change.status}: {change.path}")
    files = diff.files
    if not kind and (files.added or files.removed or files.changed):
        text = f"{files.added} files added, {files.removed} removed, {files.changed} changed"
        yield Hit(word, "files", "", text)


def _config_hits(diff: Diff, word: str, test: Callable[[ConfigChange], bool]) -> Iterator[Hit]:
    for change in diff.config:
        if test(change):
            yield Hit(word, "config", ":".join(filter(None, (change.setting, change.key))), describe_config(change))


def describe_config(change: ConfigChange) -> str:
    name = f"{change.setting} {change.key}".strip()
    if change.old is None:
        return f"{name} set" + (f" to {change.new}" if change.new else "")
    if change.new is None:
        return f"{name} unset" + (f", was {change.old}" if change.old else "")
    return f"{name} changed from {change.old or '(empty)'} to {change.new or '(empty)'}"


def is_root(user: str | None) -> bool:
    """No user is root, as the runtime has it."""
    return (user or "").partition(":")[0] in ("", "0", "root")


def _becomes_root(change: ConfigChange) -> bool:
    return change.setting == "user" and is_root(change.new) and not is_root(change.old)


def _image_hits(diff: Diff, word: str) -> Iterator[Hit]:
    if diff.base is not None:
        yield Hit(word, "base", diff.base.new, f"base {diff.base.kind}: {diff.base.old} to {diff.base.new}")
    for change in diff.layers:
        layer = change.new or change.old
        if layer is not None:
            yield Hit(word, "layers", layer.diff_id, f"layer {change.kind}: {layer.created_by or layer.diff_id}")


def _any(diff: Diff, word: str) -> Iterator[Hit]:
    for change in diff.packages:
        yield Hit(word, "package", name_of(change), describe(change))
    yield from _file_hits(diff, word, "")
    yield from _config_hits(diff, word, lambda _: True)
    yield from _image_hits(diff, word)
