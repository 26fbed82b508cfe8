"""What the project says of itself is so: README, CI, lock, fixtures, sizes."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
import zlib
from pathlib import Path

import pytest

from sbomkit.cli.generate import command
from sbomkit.image.source import SCHEMES, open_source
from sbomkit.oci.platform import Platform
from sbomkit.sbom.format import formats
from sbomkit.scan import scan
from tests.conftest import PROJECT

IMAGES = PROJECT / "fixtures" / "images"
README = (PROJECT / "README.md").read_text()
SOURCES = sorted((PROJECT / "sbomkit").rglob("*.py"))


def test_ci_begins_with_the_readme_s_own_test_line() -> None:
    commands = re.findall(r"^    (python3 -m venv .*)$", README, re.M)
    assert len(commands) == 2
    assert "sbomkit generate fixtures/" in commands[0]
    steps = (PROJECT / ".ci" / "run").read_text().split("set -x\n", 1)[1].splitlines()
    assert steps[0] == commands[1]
    assert steps[-1].endswith(('-m "slow or shared"', "-m 'slow or shared'"))
    assert {"format", "check", "mypy", "lint-imports"} <= set(re.findall(r"[a-z-]+", " ".join(steps[1:])))


def test_the_readme_names_every_source_format_and_option() -> None:
    for scheme in SCHEMES:
        assert f"`{scheme}:" in README
    for format in formats():
        assert f"`{format.name}`" in README
    for parameter in command.params:
        if parameter.name != "source":
            assert f"`{parameter.opts[-1]}`" in README


def requirements(names: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", name)[0].lower().replace("_", "-") for name in names}


def test_the_lock_has_every_dependency_and_no_address() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    lock = (PROJECT / "requirements-dev.lock").read_text()
    locked = requirements(re.findall(r"^([a-z0-9._-]+)==", lock, re.M))
    wanted = requirements([*project["project"]["dependencies"], *project["dependency-groups"]["dev"]])
    assert wanted - locked == set(), "pyproject.toml changed; .github/CONTRIBUTING.md says how to lock again"
    assert "://" not in lock
    assert "index" not in lock


def test_every_third_party_import_is_declared() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    extras = [name for names in project["project"]["optional-dependencies"].values() for name in names]
    declared = requirements([*project["project"]["dependencies"], *extras])
    modules = {"packageurl": "packageurl-python", "jwt": "pyjwt", "nacl": "pynacl", "yaml": "pyyaml"}
    for path in SOURCES:
        for name in imported(ast.parse(path.read_text())):
            if name not in sys.stdlib_module_names and name not in ("sbomkit", "_typeshed"):
                assert modules.get(name, name).replace("_", "-") in declared, f"{path} imports {name}"


def imported(tree: ast.AST) -> set[str]:
    """The top-level packages that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_modules_and_functions_stay_small_and_suppress_nothing(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name
    assert not re.search(r"#\s*(type: ignore|noqa|pragma|TODO|FIXME)", text)


def test_the_rooms_look_down_only() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def inside(name: str) -> dict[str, int]:
    """purl -> number of the layer that introduced it, counted from 1."""
    inventory = scan(open_source(str(IMAGES / name), Platform.parse("linux/amd64")))
    assert inventory.issues == ()
    assert inventory.coverage.status == "full"
    order = {layer.diff_id: number for number, layer in enumerate(inventory.subject.layers, 1)}
    return {package.purl: order[package.introduced_by] for package in inventory.packages}


def test_the_fixture_images_hold_what_is_expected(update_golden: bool) -> None:
    names = sorted(p.name for p in IMAGES.iterdir() if p.suffix == ".tar" or (p / "index.json").exists())
    found = {name: inside(name) for name in names}
    golden = IMAGES / "expected.json"
    if update_golden:
        golden.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(golden.read_text())
    assert found["app"] == found["app.oci.tar"] == found["app.docker.tar"] == found["app.docker-old.tar"]


@pytest.mark.skipif("ng" in zlib.ZLIB_RUNTIME_VERSION, reason="zlib-ng compresses to other bytes")
def test_the_maker_of_the_images_makes_the_same_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, PROJECT / "fixtures" / "make_images.py", tmp_path], check=True)
    made = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    for name in {path.parts[0] for path in made}:
        there = [p for p in (IMAGES / name, *(IMAGES / name).rglob("*")) if p.is_file()]
        assert {p.relative_to(IMAGES) for p in there} == {path for path in made if path.parts[0] == name}
    for path, content in made.items():
        assert (IMAGES / path).read_bytes() == content, path


def test_the_fixture_images_stay_small() -> None:
    assert sum(p.stat().st_size for p in IMAGES.rglob("*") if p.is_file()) < 1_100_000
