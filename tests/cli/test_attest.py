"""attest, sign and verify end to end: a real image in a registry and in a layout, a private Sigstore on loopback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.conftest import PROJECT
from tests.registry_service.images import debian_layer, put_image
from tests.registry_service.server import Registry, serving
from tests.sigstore_service.fixtures import _service_v1, _service_v2, sigstore_v1, sigstore_v2
from tests.sigstore_service.service import SigstoreService

__all__ = ["_service_v1", "_service_v2", "sigstore_v1", "sigstore_v2"]

ME = "me@example.org"
KINDS = ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048"]


@pytest.fixture(params=["registry", "layout"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The words for an image, and the options that reach it."""
    if request.param == "layout":
        shutil.copytree(PROJECT / "fixtures" / "images" / "app", tmp_path / "app")
        return [f"oci-dir:{tmp_path}/app"]
    registry = request.getfixturevalue("registry")
    put_image(registry, "team/app", "1.0", [debian_layer("curl=1")])
    return [f"{registry.host}/team/app:1.0", "--plain-http", registry.host]


@pytest.fixture
def registry() -> object:
    with serving() as found:
        yield found


@pytest.fixture(params=["Rekor v1", "Rekor v2"])
def instance(request: pytest.FixtureRequest) -> SigstoreService:
    found = request.getfixturevalue("sigstore_v1" if request.param == "Rekor v1" else "sigstore_v2")
    assert isinstance(found, SigstoreService)
    return found


def trust_of(instance: SigstoreService, folder: Path) -> tuple[Path, Path]:
    """Files of the trust configuration, and of the trusted root alone."""
    whole = instance.trust_config()
    config, root = folder / "trust.json", folder / "root.json"
    config.write_text(json.dumps(whole))
    root.write_text(json.dumps(whole["trustedRoot"]))
    return config, root


def test_keyless_from_generation_to_the_verified_sbom(
    call: Call, image: list[str], instance: SigstoreService, tmp_path: Path
) -> None:
    config, root = trust_of(instance, tmp_path)
    token = instance.token(ME, email=ME)
    done = call("attest", *image, "--identity-token", token, "--trust-config", config)
    assert done.code == 0, done.err
    who = ["--certificate-identity", ME, "--certificate-oidc-issuer", instance.url, "--trusted-root", root]
    out = tmp_path / "sbom.json"
    good = call("verify", *image, *who, "--type", "cyclonedx", "--max-age", "1h", "--predicate-out", out)
    assert good.code == 0, good.err
    assert json.loads(out.read_bytes())["bomFormat"] == "CycloneDX"
    for wrong, reason in (
        ({"--certificate-identity": "other@example.org"}, "identity-mismatch"),
        ({"--certificate-oidc-issuer": "https://elsewhere.example"}, "issuer-mismatch"),
        ({"--type": "spdx"}, "predicate-type-mismatch"),
        ({"--max-age": "0s"}, "too-old"),
    ):
        words = dict(zip(who[::2], who[1::2], strict=True)) | {"--type": "cyclonedx"} | wrong
        refused = call("verify", *image, *(part for pair in words.items() for part in pair))
        assert refused.code == 1, refused.err
        assert reason in refused.err


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_key(call: Call, image: list[str], kind: str, tmp_path: Path) -> None:
    for name in ("mine", "other"):
        assert call("keys", "generate", tmp_path / name, "--type", kind, "--no-password").code == 0
    bundle = tmp_path / "bundle.json"
    done = call("attest", *image, "--key", tmp_path / "mine.key", "--type", "spdx", "--bundle", bundle)
    assert done.code == 0, done.err
    assert call("verify", *image, "--key", tmp_path / "other.pub", "--key", tmp_path / "mine.pub").code == 0
    assert call("verify", *image, "--key", tmp_path / "mine.pub", "--bundle", bundle, "--type", "spdx").code == 0
    refused = call("verify", *image, "--key", tmp_path / "other.pub")
    assert (refused.code, "wrong-key" in refused.err) == (1, True), refused.err


def test_a_bundle_of_another_image_is_refused(call: Call, registry: Registry, tmp_path: Path) -> None:
    plain = ["--plain-http", registry.host]
    for tag, package in (("1", "curl"), ("2", "wget")):
        put_image(registry, "app", tag, [debian_layer(f"{package}=1")])
    assert call("keys", "generate", tmp_path / "k", "--no-password").code == 0
    bundle = tmp_path / "b"
    one, two = (f"{registry.host}/app:{tag}" for tag in "12")
    assert call("attest", one, *plain, "--key", tmp_path / "k.key", "--bundle", bundle, "--no-attach").code == 0
    refused = call("verify", two, *plain, "--key", tmp_path / "k.pub", "--bundle", bundle)
    assert (refused.code, "subject-mismatch" in refused.err) == (1, True)
    nothing = call("verify", one, *plain, "--key", tmp_path / "k.pub")
    assert (nothing.code, "nothing signed was found" in nothing.err) == (1, True)


def test_all_platforms_and_one_of_them(call: Call, tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "fixtures" / "images" / "platforms", tmp_path / "p")
    image, key = f"oci-dir:{tmp_path}/p", tmp_path / "k"
    assert call("keys", "generate", key, "--no-password").code == 0
    one = call("attest", image, "--platform", "linux/arm64", "--key", f"{key}.key")
    assert one.code == 0, one.err
    assert call("verify", image, "--platform", "linux/arm64", "--key", f"{key}.pub").code == 0
    assert call("verify", image, "--key", f"{key}.pub").code == 1  # of the index, nobody said anything
    assert call("verify", image, "--all-platforms", "--key", f"{key}.pub").code == 1
    assert call("attest", image, "--all-platforms", "--key", f"{key}.key").code == 0
    assert call("verify", image, "--all-platforms", "--key", f"{key}.pub").code == 0


def test_files_are_signed_beside_themselves(call: Call, tmp_path: Path) -> None:
    file, key = tmp_path / "app.bin", tmp_path / "k"
    file.write_bytes(b"content")
    assert call("keys", "generate", key, "--no-password").code == 0
    assert call("sign", file, "--key", f"{key}.key").code == 0
    bundle = f"{file}.sigstore.json"
    assert call("verify", file, "--key", f"{key}.pub", "--bundle", bundle).code == 0
    file.write_bytes(b"changed")
    assert call("verify", file, "--key", f"{key}.pub", "--bundle", bundle).code == 1
    assert call("sign", f"oci-dir:{PROJECT}/fixtures/images/nowhere", "--key", f"{key}.key").code == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verify", "sha256:" + "a" * 64], "--certificate-identity"),
        (["verify", "sha256:" + "a" * 64, "--certificate-identity", ME], "issuer"),
        (["verify", "sha256:" + "a" * 63, "--key", "k.pub"], "k.pub"),
        (["attest", "sha256:" + "a" * 64, "--predicate", "x"], "--type"),
        (["attest", "sha256:" + "a" * 64], "--bundle"),
    ],
)
def test_wrong_calls_say_what_is_missing(call: Call, words: list[str], said: str) -> None:
    done = call(*words)
    assert done.code in (2, 3)
    assert said in done.err
