"""Any byte of any blob of an image, changed or missing, is noticed: exit 3, and no document."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.conftest import PROJECT

IMAGES = PROJECT / "fixtures" / "images"
LAYOUTS = ["app", "apk", "rpm-sqlite", "rpm-ndb", "rpm-bdb"]
FLIPS = 40
"""Random ones a blob, beside those at its ends and middle."""


def blobs(layout: Path) -> list[Path]:
    return sorted((layout / "blobs" / "sha256").iterdir())


@pytest.fixture
def copied(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(IMAGES / request.param, tmp_path / "image"))


def assert_noticed(call: Call, source: str, out: Path, what: str) -> None:
    result = call("generate", source, "-o", f"json={out}/document.json")
    assert result.code == 3, f"{what}: {result}"
    assert result.err.startswith("error: "), what
    assert not (out / "document.json").exists(), what


@pytest.mark.parametrize("copied", LAYOUTS, indirect=True)
def test_a_flipped_byte_of_a_layout(copied: Path, call: Call, tmp_path: Path) -> None:
    choose = random.Random(copied.name)
    for blob in blobs(copied):
        whole = blob.read_bytes()
        ends = {0, 1, len(whole) // 2, len(whole) - 2, len(whole) - 1}
        for at in sorted(ends | {choose.randrange(len(whole)) for _ in range(FLIPS)}):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << choose.randrange(8)
            blob.write_bytes(damaged)
            assert_noticed(call, f"oci-dir:{copied}", tmp_path, f"byte {at} of {blob.name}")
        blob.write_bytes(whole)
    assert call("generate", f"oci-dir:{copied}").code == 0


@pytest.mark.parametrize("copied", LAYOUTS, indirect=True)
def test_a_truncated_lengthened_or_missing_blob(copied: Path, call: Call, tmp_path: Path) -> None:
    choose = random.Random(copied.name)
    for blob in blobs(copied):
        whole = blob.read_bytes()
        for size in (0, 1, len(whole) - 1, *(choose.randrange(len(whole)) for _ in range(8))):
            blob.write_bytes(whole[:size])
            assert_noticed(call, f"oci-dir:{copied}", tmp_path, f"{blob.name} cut to {size}")
        for more in (b"\0", b"\0" * 1024, whole):
            blob.write_bytes(whole + more)
            assert_noticed(call, f"oci-dir:{copied}", tmp_path, f"{blob.name} with more after it")
        blob.unlink()
        assert_noticed(call, f"oci-dir:{copied}", tmp_path, f"{blob.name} missing")
        blob.write_bytes(whole)


@pytest.mark.parametrize("copied", ["app"], indirect=True)
def test_blobs_that_changed_places(copied: Path, call: Call, tmp_path: Path) -> None:
    first, *others = blobs(copied)
    for other in others:
        one, two = first.read_bytes(), other.read_bytes()
        first.write_bytes(two)
        other.write_bytes(one)
        assert_noticed(call, f"oci-dir:{copied}", tmp_path, f"{first.name} and {other.name}")
        first.write_bytes(one)
        other.write_bytes(two)


ARCHIVES = ["app.oci.tar", "app.docker.tar", "app.docker-old.tar"]


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_flipped_byte_of_an_archive_s_blob(name: str, call: Call, tmp_path: Path) -> None:
    whole = (IMAGES / name).read_bytes()
    choose = random.Random(name)
    places = [whole.index(blob.read_bytes()) for blob in blobs(IMAGES / "app") if blob.read_bytes() in whole]
    contents = [blob.read_bytes() for blob in blobs(IMAGES / "app") if blob.read_bytes() in whole]
    assert places
    archive = tmp_path / name
    for place, content in zip(places, contents, strict=True):
        for _ in range(FLIPS // 2):
            damaged = bytearray(whole)
            at = place + choose.randrange(len(content))
            damaged[at] ^= 1 << choose.randrange(8)
            archive.write_bytes(damaged)
            assert_noticed(call, str(archive), tmp_path, f"byte {at}")


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_truncated_archive(name: str, call: Call, tmp_path: Path) -> None:
    whole = (IMAGES / name).read_bytes()
    end = len(whole.rstrip(b"\0"))
    scheme = "oci-archive" if "oci" in name else "docker-archive"
    archive = tmp_path / name
    for at in range(1, 40):
        archive.write_bytes(whole[: end * at // 40])
        assert_noticed(call, f"{scheme}:{archive}", tmp_path, f"{at} fortieths")


@pytest.mark.slow
@pytest.mark.parametrize("copied", ["apk"], indirect=True)
def test_every_byte_of_the_small_blobs(copied: Path, call: Call, tmp_path: Path) -> None:
    for blob in blobs(copied):
        whole = blob.read_bytes()
        if len(whole) > 2500:
            continue
        for at in range(len(whole)):
            blob.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
            assert_noticed(call, f"oci-dir:{copied}", tmp_path, f"byte {at} of {blob.name}")
        blob.write_bytes(whole)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_place_of_a_blob_is_not_waited_for(call: Call, tmp_path: Path) -> None:
    layout = Path(shutil.copytree(IMAGES / "apk", tmp_path / "image"))
    blob = blobs(layout)[0]
    blob.unlink()
    os.mkfifo(blob)
    assert_noticed(call, f"oci-dir:{layout}", tmp_path, "a pipe")
