"""Damaged files of every cataloger's fixtures: an issue at most, never another error, and soon."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sbomkit.catalogers import all_catalogers
from sbomkit.catalogers.base import Cataloger
from sbomkit.layers.select import Matcher
from tests.catalogers.in_memory import parsed
from tests.conftest import PROJECT

FIXTURES = PROJECT / "fixtures" / "catalogers"
ELSEWHERE = frozenset(("apk", "dpkg", "nix", "npm", "python", "rpm"))
"""Damaged in their own tests; nix reads no files."""
CATALOGERS = {c.name: c for c in all_catalogers()}
MINE = sorted(CATALOGERS.keys() - ELSEWHERE)
LARGEST = 1 << 21


@cache
def samples(name: str) -> tuple[tuple[str, bytes], ...]:
    """The fixture's files that its cataloger selects, by their paths in the image."""
    cataloger = CATALOGERS[name]
    matcher = Matcher([cataloger])
    found = []
    for root in sorted((FIXTURES / name).glob("*/root")):
        for place in sorted(p for p in root.rglob("*") if p.is_file() and p.stat().st_size <= LARGEST):
            path, content = str(place.relative_to(root)), place.read_bytes()
            if matcher.match(path) or matcher.match_magic(content[:16], len(content)):
                found.append((path, content))
    return tuple(found)


def read(cataloger: Cataloger, path: str, content: bytes) -> None:
    facts, _ = parsed(cataloger, path, content)
    for fact in facts:
        assert isinstance(fact.identity, str)
        hash(fact)


@pytest.mark.parametrize("name", MINE)
def test_a_file_cut_anywhere_is_an_issue_at_most(name: str) -> None:
    assert samples(name)
    for path, content in samples(name):
        for at in {0, 1, 16, 63, len(content) // 3, len(content) // 2, len(content) - 22, len(content) - 1}:
            read(CATALOGERS[name], path, content[: max(at, 0)])


@pytest.mark.parametrize("name", MINE)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_with_other_bytes_is_an_issue_at_most(name: str, data: st.DataObject) -> None:
    path, content = data.draw(st.sampled_from(samples(name)))
    edits = st.lists(st.tuples(st.integers(0, max(len(content) - 1, 0)), st.binary(min_size=1, max_size=8)), max_size=6)
    changed = bytearray(content)
    for at, raw in data.draw(edits):
        changed[at : at + len(raw)] = raw
    read(CATALOGERS[name], path, bytes(changed))


@pytest.mark.parametrize("name", MINE)
def test_a_file_of_noise_is_an_issue_at_most(name: str) -> None:
    for path, content in samples(name)[:3]:
        for noise in (b"", b"\0" * 4096, b"\xff" * 4096, content[:16] + b"\xff" * 4096, b"[" * 100_000, b"{" * 100_000):
            read(CATALOGERS[name], path, noise)
