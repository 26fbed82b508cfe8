"""The client protocol, driven as the ecosystem's conformance suite drives it: by exit codes alone."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sbomkit.attest import Target, attest, generate_key
from sbomkit.attest.signers import KeySigner
from tests.sigstore_service import SigstoreService

CLIENT = Path(__file__).parent / "client"


def client(*words: object) -> int:
    """The exit code; the client runs from a directory that is not the project's."""
    top = CLIENT.parents[2]
    done = subprocess.run(
        [sys.executable, str(CLIENT), *map(str, words)], capture_output=True, text=True, env={"PYTHONPATH": str(top)}
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


@pytest.fixture(params=[1, 2])
def service(request: pytest.FixtureRequest) -> SigstoreService:
    found: SigstoreService = request.getfixturevalue(f"sigstore_v{request.param}")
    return found


@pytest.mark.parametrize("in_toto", [False, True])
def test_sign_and_verify(service: SigstoreService, in_toto: bool, tmp_path: Path) -> None:
    artifact, signed, bundle = tmp_path / "a.txt", tmp_path / "signed", tmp_path / "b.json"
    artifact.write_bytes(b"some artifact")
    digest = hashlib.sha256(b"some artifact").hexdigest()
    subject = [{"name": "a.txt", "digest": {"sha256": digest}}]
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": "https://x.example/y"}
    signed.write_bytes(json.dumps({**statement, "predicate": {}}).encode() if in_toto else artifact.read_bytes())
    config = service.trust_config()
    root, signing = tmp_path / "root.json", tmp_path / "signing.json"
    root.write_text(json.dumps(config["trustedRoot"]))
    signing.write_text(json.dumps(config["signingConfig"]))
    flags = ["--in-toto"] if in_toto else []
    where = ["--bundle", bundle, "--trusted-root", root]
    token = ["--identity-token", service.token()]
    assert client("sign-bundle", *flags, *token, *where, "--signing-config", signing, signed) == 0
    who = ["--certificate-identity", "ci@example.com", "--certificate-oidc-issuer", service.url]
    assert client("verify-bundle", *where, *who, artifact) == 0
    assert client("verify-bundle", *where, *who, f"sha256:{digest}") == 0
    assert client("verify-bundle", *where, *who, f"sha256:{'0' * 64}") == 1
    eve = ["--certificate-identity", "eve@example.com", "--certificate-oidc-issuer", service.url]
    assert client("verify-bundle", *where, *eve, artifact) == 1
    assert client("verify-bundle", "--bundle", bundle, *who, artifact) == 1
    assert client("verify-bundle", *where, "--certificate-identity", "ci@example.com", artifact) == 2


def test_managed_key(tmp_path: Path) -> None:
    artifact, bundle, public = tmp_path / "a.txt", tmp_path / "b.json", tmp_path / "key.pub"
    artifact.write_bytes(b"some artifact")
    key = generate_key("ecdsa-p256")
    public.write_bytes(key.public.pem)
    target = Target.of_file(artifact)
    for signed in (attest(KeySigner.of(key), target, "custom", b"{}"), KeySigner.of(key).sign_target(target)):
        bundle.write_bytes(signed.raw)
        assert client("verify-bundle", "--bundle", bundle, "--key", public, artifact) == 0
        other = tmp_path / "other.pub"
        other.write_bytes(generate_key().public.pem)
        assert client("verify-bundle", "--bundle", bundle, "--key", other, artifact) == 1


def test_what_cannot_be_checked(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.json"
    nothing.write_bytes(b"{")
    who = ["--certificate-identity", "i", "--certificate-oidc-issuer", "u"]
    assert client("verify-bundle", "--bundle", nothing, *who, nothing) == 3
    assert client("verify-bundle", "--bundle", tmp_path / "missing", *who, nothing) == 3
