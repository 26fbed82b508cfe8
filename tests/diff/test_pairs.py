"""Real pairs of images: every change in their databases, with the right direction, and none invented."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from sbomkit.diff.compare import diff
from sbomkit.diff.types import Diff
from sbomkit.image.source import open_source
from sbomkit.scan import scan

REFERENCE = Path(os.environ.get("SBOMKIT_REFERENCE_IMAGE", "/tmp/ref/oci"))
"""What ../shared/tools/build-reference-image made."""


def versions(archive: Path) -> dict[str, str]:
    """The database's own word, read without any of our code."""
    with tarfile.open(archive) as tar:
        stream = tar.extractfile("./lib/apk/db/installed")
        assert stream is not None
        text = stream.read().decode()
    found: dict[str, str] = {}
    name = ""
    for line in text.split("\n"):
        if line.startswith("P:"):
            name = line[2:]
        elif line.startswith("V:"):
            found[name] = line[2:]
    return found


def told(found: Diff) -> dict[str, tuple[str, str, str]]:
    return {
        change.package.name: (
            change.kind,
            change.old.version if change.old else "",
            change.new.version if change.new else "",
        )
        for change in found.packages
    }


@pytest.mark.shared
def test_alpine_3_19_4_to_3_20_3(shared_data: Path) -> None:
    paths = [shared_data / "rootfs" / f"alpine-minirootfs-{v}-x86_64.tar.gz" for v in ("3.19.4", "3.20.3")]
    old, new = (versions(path) for path in paths)
    expected = {name: ("removed", version, "") for name, version in old.items() if name not in new}
    expected |= {name: ("upgraded", old[name], v) for name, v in new.items() if name in old and old[name] != v}
    expected |= {name: ("added", "", version) for name, version in new.items() if name not in old}
    before, after = (scan(open_source(str(path))) for path in paths)
    found = diff(before, after)
    assert told(found) == expected
    assert found.unchanged == len(old.keys() & new.keys()) - sum(
        1 for kind, *_ in expected.values() if kind == "upgraded"
    )
    assert found.base is not None
    assert (found.base.kind, found.base.old, found.base.new) == ("changed", "alpine-3.19.4", "alpine-3.20.3")
    assert {kind for kind, *_ in told(diff(after, before)).values()} == {"added", "downgraded"}


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference image is not built")
def test_the_reference_image() -> None:
    before, after = (scan(open_source(f"oci-dir:{REFERENCE}:{tag}")) for tag in ("v1", "v2"))
    found = diff(before, after)
    assert told(found) == {
        "requests": ("upgraded", "2.31.0", "2.32.3"),
        "numpy": ("removed", "1.26.4", ""),
        "express": ("upgraded", "4.18.2", "4.19.2"),
        "body-parser": ("upgraded", "1.20.1", "1.20.2"),
        "cookie": ("upgraded", "0.5.0", "0.6.0"),
        "raw-body": ("upgraded", "2.5.1", "2.5.2"),
    }
    paths = {change.package.name: change.reach.path for change in found.packages}
    assert paths["raw-body"] == ("app", "express", "body-parser", "raw-body")
    assert all(change.origin == "app" and not change.fields for change in found.packages)
    assert [(c.setting, c.key, c.old, c.new) for c in found.config] == [
        ("ports", "22/tcp", None, ""),
        ("user", "", "1000:1000", "0:0"),
    ]
    assert ([change.kind for change in found.layers], found.layers_kept, found.base) == (["added"], 4, None)
