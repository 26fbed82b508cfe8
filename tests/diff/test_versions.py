"""Versions in their ecosystem's order: every line of ../shared/data/versions, without exceptions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbomkit.diff import versions

TYPES = {"alpine": "apk", "debian": "deb", "maven": "maven", "pypi": "pypi", "redhat": "rpm", "semver": "npm"}
SIGNS = {"up": "<", "down": ">", "same": "=", "incomparable": "?"}
MIRROR = {"up": "down", "down": "up", "same": "same", "incomparable": "incomparable"}
ALL_TYPES = (
    "alpm", "apk", "cargo", "cocoapods", "composer", "cpan", "cran", "deb", "gem", "generic", "golang", "hackage",
    "hex", "maven", "npm", "nuget", "opam", "pub", "pypi", "rpm", "swift", "unheard-of",
)  # fmt: skip


def lines(shared: Path, name: str) -> Iterator[tuple[int, str, str, str]]:
    for number, line in enumerate((shared / "versions" / f"{name}.txt").read_text().splitlines(), 1):
        words = line.split()
        if len(words) == 3 and words[1] in "<>=" and not line.startswith(("#", "/")):
            yield number, words[0], words[1], words[2]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("alpine-versions", 700),
        ("alpine-versions-generated", 13_000),
        ("debian-versions", 30),
        ("debian-versions-generated", 14_000),
        ("maven-versions", 100),
        ("maven-versions-generated", 14_000),
        ("pypi-versions", 35),
        ("pypi-versions-generated", 12_000),
        ("redhat-versions", 150),
        ("semver-versions", 80),
    ],
)
def test_every_line_of_the_ecosystems_own_orderings(shared_data: Path, name: str, least: int) -> None:
    kind = TYPES[name.split("-")[0]]
    seen, wrong = 0, []
    for number, old, sign, new in lines(shared_data, name):
        seen += 1
        way = versions.direction(kind, old, new)
        assert versions.direction(kind, new, old) == MIRROR[way]
        if SIGNS[way] != sign:
            wrong.append(f"{number}: {old} {sign} {new}, not {way}")
    assert wrong == []
    assert seen >= least


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("apk", "1.2_rc1-r0", "1.2-r0"),
        ("apk", "1.2-r0", "1.2_git20240101-r0"),
        ("apk", "1.2_cvs1", "1.2_p1"),
        ("apk", "1.2-r9", "1.2-r10"),
        ("apk", "1.2", "1.2a"),
        ("apk", "1.2~abc-r0", "1.2~abd-r0"),
        ("deb", "1.0~rc1-1", "1.0-1"),
        ("deb", "9.9-1", "1:0.1-1"),
        ("rpm", "1.0^git1-1", "1.0.1-1"),
        ("rpm", "1.0-1", "1.0^git1-1"),
        ("npm", "1.0.0-rc.9", "1.0.0-rc.10"),
        ("npm", "9.0.0", "10.0.0"),
        ("golang", "v0.0.0-20200101000000-abcdefabcdef", "v0.0.0-20210101000000-abcdefabcdef"),
        ("pypi", "1.0.dev1", "1.0a1"),
        ("pypi", "1.0", "1.0.post1"),
        ("gem", "1.0.0.rc1", "1.0.0"),
        ("gem", "1.0.9", "1.0.10"),
        ("nuget", "1.0.0.1", "1.0.0.2"),
        ("composer", "1.0.0-RC1", "1.0.0"),
        ("composer", "v1.0.0-beta2", "1.0.0-RC1"),
        ("composer", "1.0.0", "1.0.0-patch1"),
        ("cpan", "1.10", "1.9"),
        ("cpan", "1.2.3", "1.2.10"),
        ("hackage", "1.2", "1.2.0"),
        ("maven", "1.0-SNAPSHOT", "1.0"),
        ("generic", "3.9.1", "3.10.0"),
    ],
)
def test_known_orders(kind: str, low: str, high: str) -> None:
    assert versions.direction(kind, low, high) == "up"
    assert versions.direction(kind, high, low) == "down"


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [("npm", "latest", "1.0.0"), ("golang", "(devel)", "v1.0.0"), ("composer", "dev-main", "1.0.0"),
     ("generic", "abc", "abd"), ("oci", "sha256:aa", "sha256:bb"), ("npm", "1" * 2000, "2"), ("npm", "", "1.0.0")],
)  # fmt: skip
def test_no_order_is_said_to_be_none(kind: str, one: str, other: str) -> None:
    assert versions.direction(kind, one, other) == "incomparable"


@pytest.mark.parametrize(
    ("kind", "old", "new", "level"),
    [
        ("npm", "1.2.3", "2.0.0", "major"),
        ("npm", "1.2.3", "1.3.0", "minor"),
        ("pypi", "2.31.0", "2.31.1", "patch"),
        ("npm", "1.0.0-rc.1", "1.0.0", "prerelease"),
        ("nuget", "1.0.0.1", "1.0.0.2", "patch"),
        ("pypi", "1.0", "1.0.0", ""),
        ("deb", "1:2.0-1", "1:2.0-2", "revision"),
        ("deb", "2.0-1", "2.1-1", "upstream"),
        ("apk", "1.2.3-r0", "1.2.3-r1", "revision"),
        ("rpm", "1.2-3.el9", "1.3-3.el9", "upstream"),
        ("generic", "1.0", "2.0", ""),
    ],
)
def test_levels(kind: str, old: str, new: str, level: str) -> None:
    assert versions.level(kind, old, new) == level


@given(
    st.sampled_from(ALL_TYPES),
    st.lists(st.text("0123456789abrcv.-_+~^:!pre²é \x00\n", max_size=24), min_size=3, max_size=3),
)
def test_any_text_has_its_place_or_none(kind: str, texts: list[str]) -> None:
    one, two, three = texts
    assert versions.direction(kind, two, one) == MIRROR[versions.direction(kind, one, two)]
    if versions.direction(kind, one, two) == versions.direction(kind, two, three) == "up":
        assert versions.direction(kind, one, three) == "up" or kind == "maven"
    versions.level(kind, one, two)
