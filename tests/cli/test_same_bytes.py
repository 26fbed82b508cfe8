"""The same image and name give the same bytes: by any source, twice, under any hash seed and time zone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sbomkit.sbom.format import formats
from tests.conftest import PROJECT

IMAGES = PROJECT / "fixtures" / "images"
FORMATS = [f"{f.name}@{version}" if version else f.name for f in formats() for version in f.versions or ("",)]
_IDENTITY = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def documents(source: str, out: Path, seed: str = "0", zone: str = "UTC") -> dict[str, bytes]:
    """One process, every format and version."""
    out.mkdir()
    args = [arg for format in FORMATS for arg in ("-o", f"{format}={out}/{format}")]
    variables = {key: value for key, value in os.environ.items() if not key.startswith("SBOMKIT_")}
    variables.pop("SOURCE_DATE_EPOCH", None)
    subprocess.run(
        [sys.executable, "-m", "sbomkit", "generate", source.replace("IMAGES", str(IMAGES)), "--name", "app", *args],
        cwd=PROJECT, check=True, capture_output=True, env={**variables, "PYTHONHASHSEED": seed, "TZ": zone},
    )  # fmt: skip
    return {format: (out / format).read_bytes() for format in FORMATS}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return documents("oci-dir:IMAGES/app", tmp_path_factory.mktemp("same") / "out")


@pytest.mark.parametrize(
    ("source", "seed", "zone"),
    [
        ("oci-dir:IMAGES/app:1.0", "1", "Asia/Kathmandu"),
        ("oci-archive:IMAGES/app.oci.tar", "2", "America/St_Johns"),
        ("IMAGES/app.oci.tar", "3", "UTC"),
    ],
)
def test_a_layout_and_its_archive(
    source: str, seed: str, zone: str, reference: dict[str, bytes], tmp_path: Path
) -> None:
    found = documents(source, tmp_path / "out", seed, zone)
    assert [format for format in FORMATS if found[format] != reference[format]] == []


def test_docker_archives_of_either_layout(tmp_path: Path) -> None:
    new = documents("docker-archive:IMAGES/app.docker.tar", tmp_path / "new", "4", "Pacific/Chatham")
    old = documents("IMAGES/app.docker-old.tar", tmp_path / "old", "5")
    assert [format for format in FORMATS if new[format] != old[format]] == []


def test_a_docker_archive_lacks_digests_and_nothing_else(reference: dict[str, bytes], tmp_path: Path) -> None:
    found = documents("docker-archive:IMAGES/app.docker.tar", tmp_path / "out")
    for format in FORMATS:
        if not format.startswith("json"):
            continue
        assert _without_blob_facts(found[format]) == _without_blob_facts(reference[format])
    for format in FORMATS:
        if format.startswith(("cyclonedx", "spdx")):
            packages = [_IDENTITY.sub(b"", line) for line in re.findall(rb'"pkg:(?!oci)[^"]+"', found[format])]
            assert packages == re.findall(rb'"pkg:(?!oci)[^"]+"', reference[format])
            assert len(found[format]) < len(reference[format])


def _without_blob_facts(raw: bytes) -> object:
    """The inventory without what only a registry's form of an image has: manifest digest and type, stored layers."""
    document = json.loads(raw)
    for key in ("digest", "media_type"):
        document["subject"].pop(key, None)
    for layer in document["subject"]["layers"]:
        for key in ("digest", "media_type", "size"):
            layer.pop(key, None)
    return document
