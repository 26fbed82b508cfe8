"""Bundles that others made with the public good instance. ../shared/data/README.md tells what is in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sbomkit.attest import IdentityPolicy, Reason, Target, Verification, load_trusted_roots, read_bundles, verify
from sbomkit.attest.trust import TrustedRoot
from sbomkit.model.digest import Digest

DATA = Path(os.environ.get("SBOMKIT_SHARED_DATA", "/work/shared/data")) / "bundles"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not here"),
]
GITHUB_LOGIN = "https://github.com/login/oauth"
ACTIONS = "https://token.actions.githubusercontent.com"
REUSABLE = (
    "https://github.com/github/artifact-attestations-workflows/.github/workflows/attest.yml"
    "@09b495c3f12c7881b3cc17209a327792065c1a1d"
)
RELEASE = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main"


def digest(value: str) -> Target:
    return Target.of_digest(Digest("sha256", value))


SBOM_IMAGE = "ea9c657ca44371fadd027510f2a1a68b799003294bf6a4827827971cc4390ad4"
CUSTOM_IMAGE = "732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4"
# bundle, artifact (a file beside it, or a digest), identity, issuer, predicate type
PRODUCTION = [
    ("cyclonedx-image-sbom.sigstore.json", SBOM_IMAGE, "thomas.grininger@ringodev.com", GITHUB_LOGIN, "cyclonedx"),
    ("cosign-custom.sigstore.json", CUSTOM_IMAGE, "cody@soyland.com", GITHUB_LOGIN, "custom"),
    (
        "github-slsa-reusable-workflow.sigstore.json",
        "github-slsa-reusable-workflow.artifact",
        REUSABLE,
        ACTIONS,
        "slsaprovenance1",
    ),
    ("intoto-entry.sigstore.json", "sigstore-js-2.1.0.tgz", RELEASE, ACTIONS, "slsaprovenance1"),
]


def run(name: str, artifact: str, identity: str, issuer: str, *, pinned: bool, type: str | None = None) -> Verification:
    path = DATA / artifact
    roots: tuple[TrustedRoot, ...] | None = None
    if pinned:
        roots = load_trusted_roots((DATA / "trusted_root-public-good.json").read_bytes(), "public good, pinned")
    return verify(
        read_bundles((DATA / name).read_bytes(), name),
        Target.of_file(path) if path.exists() else digest(artifact),
        IdentityPolicy.of(identity=identity, issuer=issuer),
        predicate_type=type,
        trusted_roots=roots,
    )


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "embedded"])
@pytest.mark.parametrize(
    ("name", "artifact", "identity", "issuer", "type"), PRODUCTION, ids=[row[0] for row in PRODUCTION]
)
def test_production(name: str, artifact: str, identity: str, issuer: str, type: str, pinned: bool) -> None:
    assert run(name, artifact, identity, issuer, pinned=pinned, type=type).ok
    refused = {
        Reason.IDENTITY_MISMATCH: run(name, artifact, identity + "x", issuer, pinned=pinned),
        Reason.ISSUER_MISMATCH: run(name, artifact, identity, issuer + "/", pinned=pinned),
        Reason.SUBJECT_MISMATCH: run(name, "0" * 64, identity, issuer, pinned=pinned),
        Reason.PREDICATE_TYPE_MISMATCH: run(name, artifact, identity, issuer, pinned=pinned, type="spdx"),
    }
    assert {wanted: [r.reason for r in outcome.refusals] for wanted, outcome in refused.items()} == {
        wanted: [wanted] for wanted in refused
    }


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "embedded"])
def test_a_timestamp_of_another_authority_is_refused_by_that_name(pinned: bool) -> None:
    outcome = run(
        "github-private-tsa-only.sigstore.jsonl",
        "github_provenance_demo-0.0.12-py3-none-any.whl",
        "anybody",
        ACTIONS,
        pinned=pinned,
    )
    (refusal,) = outcome.refusals
    assert refusal.reason is Reason.TIMESTAMP_ONLY
    assert "GitHub" in refusal.message
    assert not refusal.unchecked
