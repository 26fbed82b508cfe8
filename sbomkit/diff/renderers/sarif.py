"""SARIF 2.1.0, for code scanning: one result a change, at the place where its evidence stands.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal
from urllib.parse import quote

from sbomkit.diff.document import dumps
from sbomkit.diff.judge import Verdict, describe, describe_config, is_root, name_of, unknown_origin
from sbomkit.diff.renderers.base import Options, Renderer, clean, path_text
from sbomkit.diff.types import ConfigChange, Diff, PackageChange
from sbomkit.model.files import FileChange

Level = Literal["error", "warning", "note"]
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_GRAVE = frozenset({"tamper", "setuid", "setgid", "capability", "secret"})
_RULES: dict[str, str] = {
    "package-added": "A package that was not there.",
    "package-removed": "A package that is there no more.",
    "package-upgraded": "A package with a higher version.",
    "package-downgraded": "A package with a lower version.",
    "package-changed": "A package with another version without an order, or with other fields.",
    "package-rebuilt": "The same version with other content.",
    "package-renamed": "A package that goes on under another name.",
    "package-moved": "A package at another place.",
    "base-changed": "The base image is another one.",
    "base-refreshed": "The base image is the same under another digest.",
    "layer-added": "A layer that was not there.",
    "layer-removed": "A layer that is there no more.",
    "layer-rebuilt": "The same instruction made another layer.",
    "config": "A setting of the image config.",
    "file-tamper": "Content that is not what its owner's record says.",
    "file-setuid": "A file that runs as its owner.",
    "file-setgid": "A file that runs as its group.",
    "file-capability": "A file with capabilities.",
    "file-world-writable": "A file that everybody may write.",
    "file-unowned-executable": "An executable that no package owns.",
    "file-secret": "A file that looks like a secret.",
    "file-added": "A file that was not there.",
    "file-removed": "A file that is there no more.",
    "file-changed": "A file with other content.",
}
_INDEX = {rule: index for index, rule in enumerate(sorted(_RULES))}


def render(diff: Diff, options: Options) -> str:
    hits: dict[tuple[str, str], list[str]] = {}
    for hit in options.verdict.hits:
        hits.setdefault((hit.subject, hit.name), []).append(hit.rule)
    results = [_package(change, hits) for change in diff.packages]
    results += _image(diff, hits)
    results += [_config(change, diff, hits) for change in diff.config]
    results += [_file(change, hits) for change in diff.files.changes]
    driver: dict[str, Any] = {
        "name": "sbomkit diff",
        "rules": [
            {"id": rule, "name": _camel(rule), "shortDescription": {"text": _RULES[rule]}} for rule in sorted(_RULES)
        ],
    }
    if options.tool_version:
        driver["version"] = options.tool_version
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"sbomkit-diff/{clean(options.marker)}" if options.marker else "sbomkit-diff/"},
        "columnKind": "unicodeCodePoints",
        "properties": _properties(diff, options.verdict),
        "results": results,
    }
    return dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _properties(diff: Diff, verdict: Verdict) -> dict[str, Any]:
    found: dict[str, Any] = {
        "before": clean(diff.before.name),
        "after": clean(diff.after.name),
        "verdict": verdict.word,
    }
    found["notes"] = [note.text for note in diff.notes]
    return found


def _camel(rule: str) -> str:
    return "".join(word.capitalize() for word in rule.split("-"))


Hits = dict[tuple[str, str], list[str]]


def _result(
    rule: str, level: Level, text: str, uri: str, subject: tuple[str, str], hits: Hits, extra: dict[str, Any]
) -> dict[str, Any]:
    refused = hits.get(subject, [])
    if refused:
        level = "error"
        text = f"{text} (refused by {', '.join(sorted(set(refused)))})"
    print_of = hashlib.sha256("\0".join((rule, *subject, text)).encode("utf-8", "backslashreplace")).hexdigest()
    return {
        "ruleId": rule,
        "ruleIndex": _INDEX[rule],
        "level": level,
        "message": {"text": clean(text)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}},
                "logicalLocations": [{"fullyQualifiedName": clean(subject[1]), "kind": subject[0]}],
            }
        ],
        "partialFingerprints": {"sbomkitChange/v1": print_of},
        "properties": extra,
    }


def _uri(path: str) -> str:
    """Relative, as code scanning wants it; the image's root stands for the repository's."""
    return quote(path.lstrip("/").encode("utf-8", "backslashreplace"), safe="/") or "image"


def _package(change: PackageChange, hits: Hits) -> dict[str, Any]:
    package = change.package
    level: Level = "warning" if change.kind in ("downgraded", "rebuilt") or unknown_origin(change) else "note"
    text = describe(change)
    path = path_text(change)
    if path:
        text = f"{text}; {path}"
    if change.uncertain:
        text = f"{text}; may not be {change.kind}: {change.uncertain}"
    uri = _uri(min((place.path for place in package.locations), default=""))
    extra = {"kind": change.kind, "origin": change.origin, "purl": package.purl}
    return _result(f"package-{change.kind}", level, text, uri, ("package", name_of(change)), hits, extra)


def _image(diff: Diff, hits: Hits) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if diff.base is not None:
        text = f"base {diff.base.kind}: {diff.base.old} to {diff.base.new}"
        found.append(_result(f"base-{diff.base.kind}", "note", text, "image", ("base", diff.base.new), hits, {}))
    for change in diff.layers:
        layer = change.new or change.old
        if layer is not None:
            text = f"layer {change.kind}: {layer.created_by or layer.diff_id}"
            extra = {"size": layer.size}
            found.append(_result(f"layer-{change.kind}", "note", text, "image", ("layers", layer.diff_id), hits, extra))
    return found


def _config(change: ConfigChange, diff: Diff, hits: Hits) -> dict[str, Any]:
    risen = change.setting == "user" and is_root(change.new) and not is_root(change.old)
    name = ":".join(filter(None, (change.setting, change.key)))
    text = describe_config(change) + (": runs as root now" if risen else "")
    return _result("config", "warning" if risen else "note", text, "image", ("config", name), hits, {})


def _file(change: FileChange, hits: Hits) -> dict[str, Any]:
    level: Level = "error" if change.kind in _GRAVE and change.status != "gone" else "note"
    text = f"{change.kind} {change.status}: {change.path}" + (f" ({change.detail})" if change.detail else "")
    extra = {name: value for name, value in (("owner", change.owner), ("layer", change.layer)) if value}
    return _result(f"file-{change.kind}", level, text, _uri(change.path), ("files", change.path), hits, extra)


RENDERER = Renderer("sarif", ".sarif", "application/sarif+json", render)
