"""The built wheel does the main job in an environment that has never seen this checkout. Needs a package index."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import PROJECT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(out),
        str(PROJECT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("sbomkit-*.whl"))


def test_the_wheel_holds_package_schemas_and_licence_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    schemas = [p.relative_to(PROJECT).as_posix() for p in (PROJECT / "schemas").rglob("*") if p.is_file()]
    assert schemas
    assert {f"sbomkit/{name}" for name in schemas} <= set(names)
    assert "sbomkit/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"sbomkit"}


def test_the_installed_wheel_does_the_main_job(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "clean", with_pip=True)
    bin = tmp_path / "clean" / "bin"
    subprocess.run([bin / "pip", "install", "-q", wheel], check=True, capture_output=True)
    source = f"oci-dir:{PROJECT / 'fixtures' / 'images' / 'app'}"
    done = subprocess.run([bin / "sbomkit", "generate", source], cwd=tmp_path, check=True, capture_output=True)
    assert any(c.get("name") == "openssl" for c in json.loads(done.stdout)["components"])
    where = "from sbomkit.sbom.schemas import folder; print(folder())"
    found = subprocess.run([bin / "python", "-c", where], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert str(tmp_path / "clean") in found.stdout
