"""The diff as plain JSON values, as schemas/diff.schema.json describes them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from sbomkit.diff.judge import Verdict
from sbomkit.diff.summary import as_json
from sbomkit.diff.types import ConfigChange, Diff, LayerChange, PackageChange, Reach, Side
from sbomkit.model.files import FileDrift
from sbomkit.model.inventory import LayerInfo
from sbomkit.model.package import Package

SCHEMA = "urn:sbomkit:schema:diff:v1"


def document(diff: Diff, verdict: Verdict) -> dict[str, Any]:
    """The whole diff with its numbers and verdict."""
    return {
        "$schema": SCHEMA,
        "before": side(diff.before),
        "after": side(diff.after),
        "summary": as_json(diff, verdict),
        "notes": [{"code": n.code, "side": n.side, "text": n.text} for n in diff.notes],
        "base": asdict(diff.base) if diff.base else None,
        "packages": [package_change(change) for change in diff.packages],
        "layers": {"kept": diff.layers_kept, "changes": [_layer(change) for change in diff.layers]},
        "config": [_config(change) for change in diff.config],
        "files": _files(diff.files),
    }


def side(one: Side) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": one.name,
        "kind": one.kind,
        "version": one.version,
        "digest": one.digest,
        "imageID": one.image_id,
        "platform": one.platform,
        "created": one.created,
        "distro": one.distro,
        "packages": one.packages,
        "layers": one.layers,
        "size": one.size,
    }
    found = {name: value for name, value in found.items() if value not in ("", None)}
    return found | {"coverage": {"status": one.coverage, "reasons": list(one.coverage_reasons)}}


def package_change(change: PackageChange) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": change.kind,
        "type": change.package.type,
        "name": change.package.name,
        "origin": change.origin,
        "before": _package(change.old, change.old_reach, change.old_origin),
        "after": _package(change.new, change.new_reach, change.new_origin),
    }
    if change.level:
        found["level"] = change.level
    if change.reason:
        found["reason"] = change.reason
    if change.fields:
        found["fields"] = [
            {"name": field.name, "removed": list(field.removed), "added": list(field.added)} for field in change.fields
        ]
    flags = {"incomparable": change.incomparable, "byName": change.by_name, "uncertain": change.uncertain}
    return found | {name: value for name, value in flags.items() if value}


def _package(package: Package | None, reach: Reach, origin: str) -> dict[str, Any] | None:
    if package is None:
        return None
    found: dict[str, Any] = {
        "purl": package.purl,
        "version": package.version,
        "licenses": sorted({item.value for item in package.licenses}),
        "origin": origin,
    }
    if package.introduced_by:
        found["layer"] = package.introduced_by
    if reach.relation:
        found["relation"] = reach.relation
        found["path"] = list(reach.path)
    return found


def _layer(change: LayerChange) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "before": _one_layer(change.old, change.old_index),
        "after": _one_layer(change.new, change.new_index),
    }


def _one_layer(layer: LayerInfo | None, index: int) -> dict[str, Any] | None:
    if layer is None:
        return None
    return {"index": index, "diffID": layer.diff_id, "size": layer.size, "createdBy": layer.created_by}


def _config(change: ConfigChange) -> dict[str, Any]:
    found: dict[str, Any] = {"setting": change.setting, "before": change.old, "after": change.new}
    if change.key:
        found["key"] = change.key
    if change.redacted:
        found["redacted"] = True
    return found


def _files(files: FileDrift) -> dict[str, Any]:
    return {
        "added": files.added,
        "removed": files.removed,
        "changed": files.changed,
        "bytesAdded": files.bytes_added,
        "bytesRemoved": files.bytes_removed,
        "changes": [
            {name: value for name, value in asdict(change).items() if value or name in ("path", "kind", "status")}
            for change in files.changes
        ],
    }


# JSON may hold these as they are, but a terminal that shows it would obey them.
_ESCAPED = {
    code: f"\\u{code:04x}"
    for code in (*range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
}


def dumps(value: object) -> str:
    """Indented, with a newline at the end. A text that is no Unicode (a lone surrogate) is escaped, not refused."""
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    try:
        raw = orjson.dumps(value, option=option)
    except TypeError:
        raw = orjson.dumps(_scalar(value), option=option)
    text = raw.decode()
    return text if text.isascii() else text.translate(_ESCAPED)


def _scalar(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {str(_scalar(key)): _scalar(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_scalar(item) for item in value]
    return value
