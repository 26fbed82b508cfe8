"""Starting up loads little: what is slow to import is imported by the command that needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import PROJECT

HEAVY = (
    "sigstore",
    "requests",
    "cryptography",
    "cyclonedx",
    "spdx_tools",
    "rich",
    "jsonschema",
    "jsonschema_rs",
    "urllib3",
)
SHOW = """
import sys, contextlib, io
from sbomkit.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print(*sorted(sys.modules))
"""


def loaded(*args: str) -> set[str]:
    """The modules that a call of sbomkit has loaded at its end."""
    done = subprocess.run([sys.executable, "-c", SHOW, *args], cwd=PROJECT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "args", [["--help"], ["--version"], ["generate", "--help"], ["completion", "bash"]], ids=" ".join
)
def test_help_loads_nothing_heavy(args: list[str]) -> None:
    modules = loaded(*args)
    assert "sbomkit.cli" in modules
    assert modules & {*HEAVY, "orjson", "isal", "zstandard", "packageurl", "asyncio"} == set()
    assert not any(name.startswith(("sbomkit.scan", "sbomkit.catalogers", "sbomkit.image")) for name in modules)


def test_generate_loads_only_what_it_needs() -> None:
    modules = loaded("generate", "fixtures/images/app", "-o", "cyclonedx-json")
    assert "sbomkit.scan" in modules
    assert modules & set(HEAVY) == set()
