"""The commands that speak to registries, as people call them."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.publish.conftest import make_layout, put_two_platforms
from tests.registry_service.images import debian_layer, put_image
from tests.registry_service.server import Registry, serving

SBOM = b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}'


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    with serving() as found:
        put_two_platforms(found)
        put_image(found, "one", "1", [debian_layer("base=1", padding=30_000), debian_layer("base=1", "app=1")])
        put_image(found, "one", "2", [debian_layer("base=1", padding=30_000), debian_layer("base=1", "app=2")])
        monkeypatch.setenv("SBOMKIT_PLAIN_HTTP", found.host)
        yield found


@pytest.fixture
def sbom(tmp_path: Path) -> Path:
    path = tmp_path / "app.cdx.json"
    path.write_bytes(SBOM)
    return path


def test_generate_from_a_registry_and_from_a_layout_is_the_same_document(
    registry: Registry, call: Call, tmp_path: Path
) -> None:
    make_layout(registry, tmp_path / "layout")
    for output in ("cyclonedx-json", "spdx-json", "json"):
        words = ["--name", "app", "--platform", "linux/arm64", "-o", output, "-q"]
        there = call("generate", f"{registry.host}/app:1", *words)
        here = call("generate", f"oci-dir:{tmp_path}/layout:1", *words)
        assert (there.code, here.code) == (0, 0)
        assert there.out == here.out
        assert "p-arm64" in there.out


def test_the_second_image_reads_its_own_layer_only(registry: Registry, call: Call) -> None:
    call("generate", f"{registry.host}/one:1", "-o", "json", "-q")
    before = len(registry.seen)
    found = call("generate", f"{registry.host}/one:2", "-o", "json", "-q")
    assert [s.path.rpartition("/")[0].rpartition("/")[2] for s in registry.seen[before:]].count("blobs") == 2
    assert found.out == call("generate", f"{registry.host}/one:2", "-o", "json", "-q", "--no-cache").out


def test_attach_tree_download(registry: Registry, call: Call, sbom: Path, tmp_path: Path) -> None:
    image = f"{registry.host}/app:1"
    made = call("attach", image, "--sbom", sbom)
    assert made.code == 0
    assert made.out.startswith("sha256:")
    assert "not signed" in made.err
    tree = call("tree", image)
    assert made.out.strip() in tree.out
    assert "application/vnd.cyclonedx+json" in tree.out
    assert "not signed" in tree.out
    plain = json.loads(call("tree", image, "--json").out)
    assert [a["digest"] for a in plain["attachments"]] == [made.out.strip()]
    got = call("download", image, "--type", "cyclonedx", "-o", tmp_path / "got.json")
    assert (tmp_path / "got.json").read_bytes() == SBOM
    assert "NOT VERIFIED" in got.err
    assert call("download", image, "--type", "cyclonedx", "-q").out.encode() == SBOM


def test_nothing_attached_is_an_error_of_download(registry: Registry, call: Call) -> None:
    found = call("download", f"{registry.host}/app:1", "--type", "spdx")
    assert found.code == 3
    assert "nothing of type" in found.err
    assert "(nothing attached)" in call("tree", f"{registry.host}/app:1").out


def test_to_a_layout_and_the_image_in_it_stays_the_only_one(
    registry: Registry, call: Call, sbom: Path, tmp_path: Path
) -> None:
    registry.store.repositories["app"].tags.pop("2", None)
    make_layout(registry, tmp_path / "layout")
    image = f"oci-dir:{tmp_path}/layout"
    before = call("generate", image, "-o", "json", "-q").out
    arm = call("attach", image, "--sbom", sbom, "--platform", "linux/arm64", "-q")
    whole = call("attach", image, "--sbom", sbom, "-q")
    assert (arm.code, whole.code, arm.out != whole.out) == (0, 0, True)
    assert call("generate", image, "-o", "json", "-q").out == before
    assert call("download", image, "--type", "cyclonedx", "--platform", "linux/arm64", "-q").out.encode() == SBOM
    assert call("tree", image).out.count("application/vnd.cyclonedx+json") == 2


def test_a_password_by_standard_input(registry: Registry, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    registry.behaviour.auth = "token"
    assert call("tree", f"{registry.host}/app:1").code == 3
    words = ["--username", "user", "--password-stdin"]
    for password, code in (("correct horse\n", 0), ("wrong\n", 3)):
        monkeypatch.setattr(sys, "stdin", io.StringIO(password))
        found = call("tree", f"{registry.host}/app:1", *words)
        assert found.code == code
        assert password.strip() not in found.out + found.err
    assert call("tree", f"{registry.host}/app:1", "--username", "user").code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["tree", "docker:app"], 2), (["tree", "oci-dir:/nowhere"], 3),
        (["attach", "oci-dir:/nowhere", "--sbom", "/nowhere"], 3),
        (["tree", "A B"], 2), (["tree", "x", "--mirror", "y"], 2), (["tree", "x", "--client-key", "k"], 2),
        (["cache", "prune", "--size", "much"], 2), (["download", "x"], 2),
    ],
)  # fmt: skip
def test_wrong_calls_are_told(call: Call, words: list[str], code: int) -> None:
    assert call(*words).code == code


def test_cache(registry: Registry, call: Call) -> None:
    assert json.loads(call("cache", "info", "--json").out)["entries"] == 0
    call("generate", f"{registry.host}/one:1", "-o", "json", "-q")
    assert json.loads(call("cache", "info", "--json").out)["entries"] == 2
    assert call("cache", "prune", "--size", "1Gi").out == "0 dropped\n"
    assert call("cache", "clear").out == "2 dropped\n"
    assert "0 layers" in call("cache", "info").out


def test_a_damaged_cache_is_said_and_changes_nothing(
    registry: Registry, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SBOMKIT_CACHE_DIR", str(tmp_path))
    words = ["generate", f"{registry.host}/one:1", "-o", "json"]
    first = call(*words)
    for path in tmp_path.glob("layers/??/*"):
        path.write_bytes(b"x")
    second = call(*words)
    assert second.out == first.out
    assert second.err.count("damaged") == 2
