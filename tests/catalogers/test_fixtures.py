"""Every cataloger has fixtures, and finds in each exactly what its expected.json says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sbomkit.catalogers import all_catalogers
from sbomkit.image.image import Image
from sbomkit.model.inventory import Inventory
from sbomkit.scan import scan
from tests.conftest import PROJECT

FIXTURES = PROJECT / "fixtures" / "catalogers"
CASES = sorted(FIXTURES.glob("*/*/root"))


def expected_of(inventory: Inventory) -> dict[str, object]:
    """What a case pins down: packages with their places, relationships, issues and coverage."""
    return {
        "packages": {p.purl: [where.path for where in p.locations] for p in inventory.packages},
        "relationships": [f"{r.source} {r.kind} {r.target}" for r in inventory.relationships],
        "issues": [f"{issue.path}: {issue.reason}" for issue in inventory.issues],
        "coverage": inventory.coverage.status,
    }


@pytest.mark.parametrize("root", CASES, ids=lambda root: f"{root.parent.parent.name}/{root.parent.name}")
def test_a_fixture_gives_exactly_what_is_expected(root: Path, update_golden: bool) -> None:
    found = expected_of(scan(Image("fixture", root=root)))
    golden = root.parent / "expected.json"
    if update_golden:
        golden.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(golden.read_text())


@pytest.mark.parametrize("name", [c.name for c in all_catalogers()])
def test_every_cataloger_has_a_fixture_that_it_finds_something_in(name: str) -> None:
    cases = sorted((FIXTURES / name).glob("*/root"))
    assert cases, f"fixtures/catalogers/{name}/<case>/root is missing"
    assert any(p.cataloger == name for case in cases for p in scan(Image("fixture", root=case)).packages)


def test_every_fixture_folder_belongs_to_a_cataloger_and_says_where_it_comes_from() -> None:
    for folder in sorted(p for p in FIXTURES.iterdir() if p.is_dir()):
        assert folder.name in {c.name for c in all_catalogers()}
        assert (folder / "README.md").is_file(), f"{folder}: a README.md with source and licence is missing"
