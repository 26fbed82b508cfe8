"""A big real image, against the package managers' own word on it, and against its layers read by other means.

SBOMKIT_REFERENCE names a folder that `shared/tools/build-reference-image` made; without it a small one is built,
where the tools for that are (root, mmdebstrap, umoci, rsync, jq, npm).
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sbomkit.image.image import Image
from sbomkit.image.source import open_source
from sbomkit.model.inventory import Inventory
from sbomkit.scan import scan
from tests.conftest import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.shared]
_NEEDED = ("mmdebstrap", "umoci", "rsync", "jq", "npm", "dpkg-query")


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("SBOMKIT_REFERENCE")
    if given:
        return Path(given)
    builder = PROJECT.parent / "shared" / "tools" / "build-reference-image"
    missing = [tool for tool in _NEEDED if not shutil.which(tool)]
    if not builder.is_file() or missing or os.geteuid():
        pytest.skip(f"no reference image: {builder} or root or one of {missing or _NEEDED} is missing")
    out = tmp_path_factory.mktemp("reference")
    subprocess.run([builder, out], check=True, env={**os.environ, "SMALL": "1"}, timeout=1200)
    return out


@pytest.fixture(scope="session", params=["v1", "v2"])
def scanned(request: pytest.FixtureRequest, reference: Path) -> tuple[str, Image, Inventory]:
    image = open_source(f"oci-dir:{reference}/oci:{request.param}")
    return request.param, image, scan(image)


def normalised(type: str, name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower() if type == "pypi" else name


def test_what_the_package_managers_say_is_in_the_inventory(
    scanned: tuple[str, Image, Inventory], reference: Path
) -> None:
    tag, _, inventory = scanned
    truth = json.loads((reference / f"truth-{tag}.json").read_text())
    found = {
        (
            p.type,
            normalised(p.type, f"{p.namespace}/{p.name}" if p.type == "npm" and p.namespace else p.name),
            p.version,
        )
        for p in inventory.packages
    }
    wanted = {(type, normalised(type, row[0]), row[1]) for type, rows in truth.items() for row in rows}
    assert wanted - found == set()
    assert {f for f in found if f[0] in ("deb", "pypi")} == {w for w in wanted if w[0] in ("deb", "pypi")}
    assert len({p.purl for p in inventory.packages}) == len(inventory.packages)
    assert inventory.coverage.status == "full"


def _history_by_tarfile(image: Image) -> Iterator[dict[str, set[str]]]:
    """For each layer: the packages there once it is applied, by a reading that shares nothing with sbomkit's."""
    status: set[str] = set()
    metadata: dict[str, str] = {}
    for layer in image.layers:
        with layer.open() as blob, tarfile.open(fileobj=gzip.GzipFile(fileobj=blob), mode="r|") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                base = name.rpartition("/")[2]
                if base.startswith(".wh."):
                    gone = name.replace(".wh..wh..opq", "").replace(".wh.", "").rstrip("/")
                    metadata = {p: v for p, v in metadata.items() if p != gone and not p.startswith(gone + "/")}
                file = tar.extractfile(member) if member.isfile() else None
                if file and name == "var/lib/dpkg/status":
                    text = file.read().decode()
                    status = set(re.findall(r"^Package: (\S+)\nStatus: install ok installed\n", text, re.MULTILINE))
                    versions = dict(re.findall(r"^Package: (\S+)\n(?:.+\n)*?Version: (\S+)\n", text, re.MULTILINE))
                    status = {f"deb {n} {versions[n]}" for n in status}
                elif file and name.endswith(".dist-info/METADATA"):
                    head = file.read().decode(errors="replace").split("\n\n")[0]
                    fields = dict(re.findall(r"^(Name|Version): (\S+)", head, re.MULTILINE))
                    metadata[name] = f"pypi {fields['Name']} {fields['Version']}"
                elif file and re.search(r"^app/node_modules/[^@/]+/package.json$", name):
                    value = json.loads(file.read())
                    metadata[name] = f"npm {value['name']} {value['version']}"
        yield {"all": status | set(metadata.values())}


def test_each_package_names_the_layer_that_introduced_it(scanned: tuple[str, Image, Inventory]) -> None:
    _, image, inventory = scanned
    history = [stage["all"] for stage in _history_by_tarfile(image)]
    layers = {str(layer.diff_id): index for index, layer in enumerate(image.layers)}
    checked = 0
    for package in inventory.packages:
        key = f"{package.type} {package.name} {package.version}"
        if key not in history[-1]:
            continue
        since = len(history) - 1
        while since and key in history[since - 1]:
            since -= 1
        assert layers[package.introduced_by] == since, key
        checked += 1
    assert checked > 100
