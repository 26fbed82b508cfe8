"""The in-toto predicate that says how far one image has drifted from another: see schemas/drift.schema.json.

Small enough for admission: both digests, the numbers, the verdict with what it refused; not the diff itself.
https://github.com/in-toto/attestation/blob/main/spec/v1/predicate.md
"""

from __future__ import annotations

import hashlib
from typing import Any

from sbomkit.diff.document import document, dumps
from sbomkit.diff.judge import Verdict
from sbomkit.diff.summary import as_json
from sbomkit.diff.types import Diff, Side

PREDICATE_TYPE = "urn:sbomkit:predicate:drift:v1"
"""A URI, as in-toto asks; it names no host, for the project has none."""
MAX_HITS = 200
"""Refused changes told one by one; more are only counted."""


def predicate(diff: Diff, verdict: Verdict, *, tool_version: str = "") -> dict[str, Any]:
    """The predicate of a statement whose subject is the newer image."""
    summary = as_json(diff, verdict)
    hits = summary["verdict"]["hits"]
    summary["verdict"]["refused"] = len(hits)
    summary["verdict"]["hits"] = hits[:MAX_HITS]
    whole = dumps(document(diff, verdict)).encode()
    found: dict[str, Any] = {
        "from": _resource(diff.before),
        "to": _resource(diff.after),
        "counts": summary["counts"],
        "verdict": summary["verdict"],
        "notes": [{"code": n.code, "side": n.side, "text": n.text} for n in diff.notes],
        "diff": {"digest": {"sha256": hashlib.sha256(whole).hexdigest()}},
    }
    if diff.base is not None:
        found["base"] = {"kind": diff.base.kind, "from": diff.base.old, "to": diff.base.new}
    if tool_version:
        found["tool"] = {"name": "sbomkit", "version": tool_version}
    return found


def _resource(side: Side) -> dict[str, Any]:
    """An in-toto ResourceDescriptor; without digest where the side has none (an SBOM file that tells none)."""
    found: dict[str, Any] = {"name": side.name}
    algorithm, colon, value = (side.digest or side.image_id).partition(":")
    if colon:
        found["digest"] = {algorithm: value}
    if side.platform:
        found["annotations"] = {"platform": side.platform}
    return found
