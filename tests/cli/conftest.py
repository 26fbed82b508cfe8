"""Calling the command line in this process, as a person would from a shell without our variables."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from sbomkit.cli import main


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: str
    err: str


Call = Callable[..., Result]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in os.environ:
        if name.startswith("SBOMKIT_") or name in ("SOURCE_DATE_EPOCH", "NO_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SBOMKIT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs `sbomkit ARGS`; checks what holds for every call: an exit code we document, and never a traceback."""

    def run(*args: object) -> Result:
        with pytest.raises(SystemExit) as exited:
            main([str(arg) for arg in args])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert "internal error" not in captured.err, captured.err
        assert exited.value.code in (0, 1, 2, 3)
        return Result(int(exited.value.code), captured.out, captured.err)

    return run
