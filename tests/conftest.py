"""What all tests share: golden files by a flag, and the real data beside the project, where it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

PROJECT = Path(__file__).parent.parent

# A shared machine is slow at times, which says nothing about the code; in CI the same examples every time.
settings.register_profile("sbomkit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("sbomkit"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "sbomkit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite expected files; never in CI")
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: run with --slow, as .ci/run does"))


@pytest.fixture(scope="session")
def update_golden(pytestconfig: pytest.Config) -> bool:
    wanted = bool(pytestconfig.getoption("--update-golden"))
    assert not (wanted and os.environ.get("CI")), "golden files are never updated in CI"
    return wanted


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real files with known truth; tests that need them are skipped where they are not."""
    found = Path(os.environ.get("SBOMKIT_SHARED_DATA", PROJECT.parent / "shared" / "data"))
    if not found.is_dir():
        pytest.skip(f"the shared data is not at {found}")
    return found
