"""A diff in numbers and in the order of what matters, for every renderer alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sbomkit.diff.compare import new_licenses
from sbomkit.diff.judge import Verdict, describe_config, is_root, unknown_origin
from sbomkit.diff.types import PACKAGE_KINDS, ConfigChange, Diff, PackageChange
from sbomkit.model.files import FileChange

Weight = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that people should look at."""

    weight: Weight
    what: str
    subject: str
    text: str


def counts(diff: Diff) -> dict[str, int]:
    """Packages by kind, the other parts in all."""
    found: dict[str, int] = {kind: diff.count(kind) for kind in PACKAGE_KINDS}
    found["uncertain"] = diff.uncertain
    found["unchanged"] = diff.unchanged
    found["layers"] = len(diff.layers)
    found["config"] = len(diff.config)
    found["files"] = len(diff.files.changes)
    found["base"] = 1 if diff.base else 0
    found["ignored"] = diff.ignored
    return found


def headline(diff: Diff) -> str:
    """`5 upgraded, 1 removed, 2 settings, 1 layer`; never empty."""
    parts = [f"{diff.count(kind)} {kind}" for kind in PACKAGE_KINDS if diff.count(kind)]
    if diff.uncertain:
        parts.append(f"{diff.uncertain} uncertain")
    if diff.base:
        parts.append(f"base {diff.base.kind}")
    for number, word in ((len(diff.layers), "layer"), (len(diff.config), "setting"), (len(diff.files.changes), "file")):
        if number:
            parts.append(f"{number} {word}{'s' if number != 1 else ''}")
    return ", ".join(parts) or "no differences"


def verdict_line(diff: Diff, verdict: Verdict) -> str:
    if not verdict.rules:
        return "No differences." if diff.is_empty else f"Differences: {headline(diff)}."
    if verdict.passed:
        return f"Passed: nothing that --fail-on {','.join(verdict.rules)} refuses ({headline(diff)})."
    number = len(verdict.hits)
    what = f"{number} change{'s' if number != 1 else ''}"
    return f"Failed: {what} refused by --fail-on {_rules_hit(verdict)} ({headline(diff)})."


def _rules_hit(verdict: Verdict) -> str:
    return ",".join(sorted({hit.rule for hit in verdict.hits}))


def as_json(diff: Diff, verdict: Verdict) -> dict[str, Any]:
    """The numbers and the verdict, as JSON and the drift predicate carry them."""
    return {
        "counts": counts(diff),
        "verdict": {
            "result": verdict.word,
            "rules": list(verdict.rules),
            "hits": [
                {"rule": hit.rule, "subject": hit.subject, "name": hit.name, "text": hit.text} for hit in verdict.hits
            ],
        },
    }


_ORDER: dict[Weight, int] = {"high": 0, "medium": 1, "low": 2}
_GRAVE_FILES = frozenset({"tamper", "setuid", "setgid", "capability", "secret"})


def matters(diff: Diff) -> list[Matter]:
    """What people should look at, gravest first."""
    found = [_of_file(change) for change in diff.files.changes if change.status != "gone"]
    found += [_of_config(change) for change in diff.config if change.setting not in ("labels",)]
    if diff.base is not None:
        text = f"{diff.base.old} -> {diff.base.new}"
        found.append(
            Matter("medium" if diff.base.kind == "changed" else "low", f"base {diff.base.kind}", "base image", text)
        )
    found += [matter for change in diff.packages if (matter := _of_package(change)) is not None]
    return sorted(found, key=lambda m: (_ORDER[m.weight], m.what, m.subject, m.text))


def _of_file(change: FileChange) -> Matter:
    weight: Weight = "high" if change.kind in _GRAVE_FILES else "low"
    if change.kind in ("world-writable", "unowned-executable"):
        weight = "medium"
    text = " -> ".join(part for part in (change.old, change.new) if part)
    return Matter(weight, f"file: {change.kind}", change.path, change.detail or text)


def _of_config(change: ConfigChange) -> Matter:
    root = change.setting == "user" and is_root(change.new) and not is_root(change.old)
    text = describe_config(change) + (": runs as root now" if root else "")
    return Matter("high" if root else "medium", f"config: {change.setting}", change.key or change.setting, text)


def _of_package(change: PackageChange) -> Matter | None:
    name = change.package.purl or change.package.name
    versions = " -> ".join(side.version for side in (change.old, change.new) if side is not None)
    if change.uncertain:
        return None
    if unknown_origin(change):
        return Matter("high", "unknown origin", name, f"{versions}: nothing says where it is from")
    licenses = new_licenses(change)
    if change.old is not None and licenses:
        gone = next((", ".join(f.removed) for f in change.fields if f.name == "licenses"), "")
        return Matter("medium", "licence", name, f"{gone or 'none'} -> {', '.join(licenses)}")
    if change.kind in ("downgraded", "rebuilt", "renamed"):
        return Matter("medium", change.kind, name, versions)
    if change.level == "major":
        return Matter("medium", "major upgrade", name, versions)
    if change.kind in ("added", "removed") and change.origin != "base":
        return Matter("low", change.kind, name, versions)
    return None
