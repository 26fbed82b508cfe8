"""The folders of fixtures/bundles, each a bundle with what it is verified against and the outcome it must have."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sbomkit.attest import (
    IdentityPolicy,
    KeyPolicy,
    Target,
    Verification,
    load_public_key,
    load_trusted_roots,
    read_bundles,
    verify,
)
from sbomkit.attest.policy import Who
from sbomkit.model.digest import Digest

HOME = Path(__file__).parents[2] / "fixtures" / "bundles"
FOLDERS = sorted(path.parent for path in HOME.glob("*/case.json"))


def is_cyclonedx(predicate_type: str, predicate: Any) -> str | None:
    """A schema check small enough for a test."""
    if predicate_type == "https://cyclonedx.org/bom" and predicate.get("bomFormat") != "CycloneDX":
        return "bomFormat is not CycloneDX"
    return None


def words_of(folder: Path) -> dict[str, Any]:
    words: dict[str, Any] = json.loads((folder / "case.json").read_text())
    return words


def who_of(folder: Path) -> Who:
    words = words_of(folder)
    if (folder / "key.pub").exists():
        key = load_public_key((folder / "key.pub").read_bytes())
        return KeyPolicy((key,), require_log=words.get("require_log", False))
    return IdentityPolicy.of(
        identity=words.get("identity"),
        identity_regexp=words.get("identity_regexp"),
        issuer=words.get("issuer"),
        issuer_regexp=words.get("issuer_regexp"),
        claims=words.get("claims"),
    )


def run(folder: Path, raw: bytes | None = None) -> Verification:
    """Verify a folder's bundle (or other bytes in its place) as its case.json says."""
    words = words_of(folder)
    root = folder / "trusted_root.json"
    days = words.get("max_age_days")
    return verify(
        read_bundles(raw if raw is not None else (folder / "bundle.sigstore.json").read_bytes(), folder.name),
        Target.of_digest(Digest.parse(words["target"])),
        who_of(folder),
        predicate_type=words.get("type"),
        trusted_roots=load_trusted_roots(root.read_bytes(), "the case's root") if root.exists() else None,
        max_age=timedelta(days=days) if days is not None else None,
        check_predicate=is_cyclonedx if words.get("schema") else None,
        now=datetime.fromisoformat(words["now"]),
    )
