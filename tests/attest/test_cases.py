"""Every folder of fixtures/bundles: what must verify does, and every attack is refused for its own reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from sbomkit.attest import Reason
from sbomkit.errors import CannotCheck, Refused
from tests.attest.cases import FOLDERS, HOME, run, words_of


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    expected = words_of(folder)["expected"]
    outcome = run(folder)
    assert (expected is not None) == folder.name.endswith("_fail")
    assert [refusal.reason for refusal in outcome.refusals] == ([Reason(expected)] if expected else [])
    assert outcome.ok == (expected is None)


@pytest.mark.parametrize("folder", [f for f in FOLDERS if f.name.endswith("_fail")], ids=lambda folder: folder.name)
def test_refusals_have_exit_codes(folder: Path) -> None:
    outcome = run(folder)
    unchecked = outcome.refusals[0].unchecked
    with pytest.raises(CannotCheck if unchecked else Refused) as caught:
        outcome.require()
    assert caught.value.exit_code == (3 if unchecked else 1)
    assert outcome.refusals[0].message in caught.value.message


def test_every_reason_of_an_attack_has_a_folder() -> None:
    """Reasons without a folder are those that no file of a few kilobytes can show."""
    shown = {words_of(folder)["expected"] for folder in FOLDERS}
    elsewhere = {Reason.TOO_LARGE, Reason.ARTIFACT_NEEDED, Reason.LOG_ENTRIES_TOO_MANY, Reason.TIMESTAMP_MISSING}
    assert {reason.value for reason in Reason if reason not in elsewhere} == shown - {None}


def test_folders_say_what_is_wrong() -> None:
    for folder in FOLDERS:
        first, _, rest = (folder / "README.md").read_text().partition("\n")
        assert len(first) > 10
        assert (words_of(folder)["expected"] or "verified") in rest
    assert len(FOLDERS) == len([path for path in HOME.iterdir() if path.is_dir() and path.name != "__pycache__"])
