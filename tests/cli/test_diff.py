"""`sbomkit diff` and `sbomkit log` as people call them."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from sbomkit.cli._inputs import load_inventory
from sbomkit.errors import SbomkitError
from tests.cli.conftest import Call
from tests.conftest import PROJECT

APP = PROJECT / "fixtures" / "images" / "app"
APK = PROJECT / "fixtures" / "images" / "apk"
REFERENCE = Path(os.environ.get("SBOMKIT_REFERENCE_IMAGE", "/tmp/ref/oci"))


@pytest.fixture
def documents(call: Call, tmp_path: Path) -> Path:
    """app and apk, each in three formats."""
    for image in (APP, APK):
        outputs = [f"{name}={tmp_path}/{image.name}.{name}" for name in ("json", "cyclonedx-json", "spdx-json")]
        assert call("generate", image, *[word for text in outputs for word in ("-o", text)], "-q").code == 0
    return tmp_path


def test_the_same_twice_is_no_difference_in_any_form(call: Call, documents: Path) -> None:
    forms = [APP, APP.with_name("app.oci.tar"), *(documents / f"app.{f}" for f in ("json", "cyclonedx-json"))]
    for old in forms:
        result = call("diff", old, APP if old == APP else documents / "app.json", "--exit-code")
        assert (result.code, "No differences." in result.out) == (0, True), result.out


def test_differences_exit_0_unless_asked(call: Call, documents: Path) -> None:
    old, new = documents / "app.json", documents / "apk.spdx-json"
    assert call("diff", old, new).code == 0
    assert call("diff", old, new, "--exit-code").code == 1
    assert call("diff", old, new, "--fail-on", "removed").code == 1
    assert call("diff", old, new, "--fail-on", "removed", "--ignore", "pkg:*").code == 0
    assert call("diff", old, new, "--fail-on", "tamper").code == 0


def test_every_output_of_one_comparison(call: Call, tmp_path: Path) -> None:
    names = ["text", "json", "markdown", "html", "sarif", "junit", "drift"]
    words = [word for name in names for word in ("-o", f"{name}={tmp_path}/{name}")]
    result = call("diff", APP, APK, *words, "--marker", "leg-1")
    assert (result.code, result.out) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    assert "leg-1" in (tmp_path / "markdown").read_text()
    assert json.loads((tmp_path / "drift").read_bytes())["to"]["digest"]["sha256"]
    assert json.loads((tmp_path / "json").read_bytes())["packages"]


def test_what_a_file_is_its_content_says(call: Call, documents: Path) -> None:
    packed = documents / "image.tar"
    packed.write_bytes(gzip.compress((documents / "app.cyclonedx-json").read_bytes()))
    assert "No differences." in call("diff", packed, documents / "app.cyclonedx-json").out


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ([APP, "./nowhere"], 2, "nowhere"),
        ([APP, APK, "-o", "txt"], 2, "markdown"),
        ([APP, APK, "-o", "json="], 2, "file is missing"),
        ([APP, APK, "-o", "json", "-o", "text"], 2, "same place"),
        ([APP, APK, "--fail-on", "nonsense"], 2, "nonsense"),
        ([APP, APK, "--only", "nonsense"], 2, "nonsense"),
        (["-", "-"], 2, "standard input"),
        ([APP], 2, "NEW"),
        ([APP, PROJECT / "README.md"], 3, "README.md"),
    ],
)
def test_a_wrong_call_says_what_would_be_right(call: Call, args: list[object], code: int, said: str) -> None:
    result = call("diff", *args)
    assert (result.code, result.out) == (code, "")
    assert said in result.err


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d["packages"][0].update(name=1),
        lambda d: d["packages"][0].update(surprise="x"),
        lambda d: d["packages"][0].update(licenses="MIT"),
        lambda d: d["packages"][0].update(kind="thing"),
        lambda d: d["packages"][0].update(confidence=2),
        lambda d: d["packages"][0].update(hashes=["sha256:zz"]),
        lambda d: d["packages"][0].update(locations=[{"path": "/a", "x": "y"}]),
        lambda d: d["packages"][0].update(extra=[["a"]]),
        lambda d: d["packages"][0].pop("purl"),
        lambda d: d["relationships"].append({"source": "a", "kind": "likes", "target": "b"}),
        lambda d: d["relationships"].append({"source": "a", "kind": "contains", "target": 1}),
        lambda d: d["subject"].update(kind="thing"),
        lambda d: d["subject"]["layers"][0].update(size=-1),
        lambda d: d["coverage"].update(status="all"),
        lambda d: d["distro"].update(id_like="debian"),
        lambda d: d.update(surprise=1),
        lambda d: d.update(version="2"),
    ],
)
def test_the_fast_reading_of_inventories_is_as_strict_as_the_schema(documents: Path, spoil: object) -> None:
    document = json.loads((documents / "app.json").read_bytes())
    assert callable(spoil)
    spoil(document)
    with pytest.raises(SbomkitError, match=r"not an inventory|bad value"):
        load_inventory(json.dumps(document).encode(), "app")


def test_log_of_a_folder_and_of_images(call: Call, documents: Path) -> None:
    for path in documents.iterdir():
        if not path.name.endswith(".json"):
            path.unlink()
    assert call("log", documents).out.count(" packages, ") == 2
    page = call("log", APP, APK, "-o", "html").out
    assert "<svg" in page
    assert json.loads(call("log", APP, APK, APP, "-o", "json").out)["releases"][2]["changes"]
    assert call("log", APP, "-o", "sarif").code == 2


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference image is not built")
def test_the_reference_image(call: Call) -> None:
    sides = [f"oci-dir:{REFERENCE}:{tag}" for tag in ("v1", "v2")]
    found = json.loads(call("diff", *sides, "-o", "json").out)
    assert [(c["path"], c["kind"]) for c in found["files"]["changes"]] == [
        ("/etc/debian_version", "tamper"),
        ("/usr/bin/dropper", "setuid"),
        ("/usr/bin/dropper", "unowned-executable"),
    ]
    assert {(c["name"], c["kind"]) for c in found["packages"]} == {
        ("requests", "upgraded"),
        ("numpy", "removed"),
        ("express", "upgraded"),
        ("body-parser", "upgraded"),
        ("cookie", "upgraded"),
        ("raw-body", "upgraded"),
    }
    assert {c["setting"] for c in found["config"]} == {"user", "ports"}


@pytest.mark.shared
def test_the_alpine_pair_as_images(call: Call, shared_data: Path) -> None:
    """Two releases of base images: not one file of a package that stayed is taken for tampered."""
    sides = [shared_data / "rootfs" / f"alpine-minirootfs-{v}-x86_64.tar.gz" for v in ("3.19.4", "3.20.3")]
    found = json.loads(call("diff", *sides, "-o", "json").out)
    assert found["summary"]["counts"]["upgraded"] == 11
    assert found["files"]["changes"] == []
