"""What --fail-on, --only and --ignore make of a diff."""

from __future__ import annotations

import pytest

from sbomkit.diff.compare import diff
from sbomkit.diff.judge import KINDS, judge, parse
from sbomkit.diff.select import ignore, only
from sbomkit.diff.types import Diff
from sbomkit.errors import UsageError
from sbomkit.model.files import FileChange, FileDrift
from sbomkit.model.inventory import Coverage
from tests.diff.make import inventory, layer, package


def made() -> Diff:
    old = inventory(
        "pkg:npm/up@1.0.0",
        "pkg:npm/down@2.0.0",
        "pkg:npm/gone@1.0.0",
        package("pkg:npm/lic@1.0.0", licenses=["MIT"]),
        package("pkg:deb/debian/os@1", layer=layer("base").diff_id),
        layers=[layer("base")],
        config=[("User", '"1000"'), ("Env", '["A=1"]')],
    )
    new = inventory(
        "pkg:npm/up@2.0.0",
        "pkg:npm/down@1.0.0",
        "pkg:npm/%40scope/new@1.0.0",
        package("pkg:npm/lic@1.0.0", licenses=["MIT OR GPL-3.0-only"]),
        package("pkg:deb/debian/os@2", layer=layer("base").diff_id),
        "pkg:generic/blob@1",
        layers=[layer("base"), layer("app")],
        config=[("User", '"root"'), ("Env", '["A=2"]')],
        coverage=Coverage("partial", ("x",)),
    )
    files = FileDrift(
        (FileChange("/etc/x", "tamper", "changed"), FileChange("/bin/y", "setuid", "gone", "4755", "0755"))
    )
    return diff(old, new, files=files)


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("added", {"pkg:npm/%40scope/new@1.0.0", "pkg:generic/blob@1"}),
        ("removed", {"pkg:npm/gone@1.0.0"}),
        ("downgraded", {"pkg:npm/down@1.0.0"}),
        ("major", {"pkg:npm/up@2.0.0", "pkg:npm/down@1.0.0"}),
        ("license", {"pkg:npm/lic@1.0.0"}),
        ("license:GPL-*", {"pkg:npm/lic@1.0.0"}),
        ("license:AGPL-*", set()),
        ("unknown-origin", {"pkg:generic/blob@1"}),
        ("tamper", {"/etc/x"}),
        ("setuid", set()),
        ("user", {"user"}),
        ("root", {"user"}),
        ("env", {"env:A"}),
        ("entrypoint", set()),
        ("coverage", {"after"}),
        ("platform", set()),
        ("layers", {layer("app").diff_id}),
        ("base", set()),
    ],
)
def test_each_kind_finds_its_own(word: str, names: set[str]) -> None:
    verdict = judge(made(), parse([word]))
    assert {hit.name for hit in verdict.hits} == names
    assert verdict.passed is not bool(names)


def test_any_means_any_and_nothing_asked_is_nothing_refused() -> None:
    assert len(judge(made(), parse(["any"])).hits) >= 10
    assert judge(made(), ()).word == "not judged"
    same = inventory("pkg:npm/a@1.0.0")
    assert judge(diff(same, same), parse(["any,added , removed"])).word == "passed"


@pytest.mark.parametrize("word", ["nonsense", "license:", "added:x", "GPL"])
def test_unknown_words_are_refused_with_the_known_ones(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse([word])
    assert "tamper" in caught.value.hint


def test_every_listed_kind_is_understood() -> None:
    parse([kind.replace("GLOB", "MIT") for kind in KINDS])


def test_only() -> None:
    found = made()
    assert {c.package.name for c in only(found, ["base"]).packages} == {"os"}
    assert "os" not in {c.package.name for c in only(found, ["app"]).packages}
    config = only(found, ["config"])
    assert config.config
    assert not (config.packages)
    assert not (config.layers)
    assert not (config.files.changes)
    assert {c.package.name for c in only(found, ["licenses"]).packages} == {"lic"}
    with pytest.raises(UsageError):
        only(found, ["everything"])


@pytest.mark.parametrize(
    ("glob", "gone"),
    [("pkg:npm/up", "up"), ("pkg:npm/up@1.*", "up"), ("pkg:npm/@scope/*", "new"), ("pkg:npm/%40scope/new", "new"),
     ("pkg:deb/*", "os")],
)  # fmt: skip
def test_ignore_by_glob_counts_what_it_hides(glob: str, gone: str) -> None:
    found = made()
    left = ignore(found, [glob])
    assert {c.package.name for c in found.packages} - {c.package.name for c in left.packages} == {gone}
    assert left.ignored == 1
