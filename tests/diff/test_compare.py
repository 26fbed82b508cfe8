"""Fields, reach, origin, layers, config, notes."""

from __future__ import annotations

import json

import pytest

from sbomkit.diff.compare import diff
from sbomkit.diff.config import config_changes
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Coverage, EcosystemCoverage
from tests.diff.make import inventory, layer, package


def test_the_shortest_path_from_the_root() -> None:
    def made(qs: str) -> tuple[list[str], list[tuple[str, str]]]:
        app, express, parser = "pkg:npm/app@1.0.0", "pkg:npm/express@4.18.2", "pkg:npm/body-parser@1.20.1"
        found = [app, express, parser, qs]
        return found, [(app, express), (express, parser), (parser, qs)]

    old, new = made("pkg:npm/qs@6.11.0"), made("pkg:npm/qs@6.12.0")
    (change,) = diff(inventory(*old[0], edges=old[1]), inventory(*new[0], edges=new[1])).packages
    assert change.new_reach.path == ("app", "express", "body-parser", "qs")
    assert change.new_reach.relation == "transitive"
    assert change.fields == ()


def test_a_new_edge_is_a_change_and_a_new_version_at_its_end_is_not() -> None:
    a, b, c = "pkg:npm/a@1.0.0", "pkg:npm/b@1.0.0", "pkg:npm/c@1.0.0"
    found = diff(inventory(a, b, c, edges=[(a, b)]), inventory(a, b, c, edges=[(a, b), (a, c)]))
    assert [(x.kind, [(f.name, f.added) for f in x.fields]) for x in found.packages] == [
        ("changed", [("dependencies", ("c@1.0.0",))])
    ]
    newer = "pkg:npm/b@1.0.1"
    found = diff(inventory(a, b, edges=[(a, b)]), inventory(a, newer, edges=[(a, newer)]))
    assert [x.kind for x in found.packages] == ["upgraded"]


def test_same_version_other_content_other_place_other_licence() -> None:
    purl = "pkg:maven/g/a@1.0"
    cases = [
        (package(purl, hashes=["1"]), package(purl, hashes=["2"]), "rebuilt"),
        (package(purl, paths=["/a.jar"]), package(purl, paths=["/b.jar"]), "moved"),
        (package(purl, licenses=["MIT"]), package(purl, licenses=["GPL-3.0-only"]), "changed"),
        (package(purl, supplier="A"), package(purl, supplier="B"), "changed"),
    ]
    for old, new, kind in cases:
        assert [change.kind for change in diff(inventory(old), inventory(new)).packages] == [kind]


@pytest.mark.parametrize(
    ("old", "new"),
    [("GPL-2.0", "GPL-2.0-only"), ("GPL-2.0+", "GPL-2.0-or-later"), ("Apache 2.0", "Apache-2.0"), ("mit", "MIT"),
     ("Apache License, Version 2.0", "Apache-2.0")],
)  # fmt: skip
def test_one_licence_in_two_spellings_is_no_change(old: str, new: str) -> None:
    purl = "pkg:npm/a@1.0.0"
    assert diff(inventory(package(purl, licenses=[old])), inventory(package(purl, licenses=[new]))).is_empty


def test_what_one_side_cannot_know_was_not_lost() -> None:
    rich = inventory(package("pkg:npm/a@1.0.0", licenses=["MIT"], hashes=["1"]), layers=[layer("1")])
    poor = inventory("pkg:npm/a@1.0.0")
    found = diff(rich, poor)
    assert found.is_empty
    assert {(note.code, note.side) for note in found.notes} >= {("unknown-field", "after"), ("format", "after")}


def test_missing_is_not_removed_where_nobody_could_look() -> None:
    broken = Coverage("partial", ("dpkg: unreadable",), (EcosystemCoverage("dpkg", 0, "none", ("unreadable",)),))
    old = inventory(package("pkg:deb/debian/a@1", cataloger="dpkg"), "pkg:npm/b@1.0.0")
    found = diff(old, inventory("pkg:npm/c@1.0.0", coverage=broken))
    assert {(c.kind, bool(c.uncertain)) for c in found.packages} == {
        ("removed", True),
        ("removed", False),
        ("added", False),
    }
    assert found.count("removed") == 1
    assert any(note.code == "coverage" and note.side == "after" for note in found.notes)


def test_base_and_application_by_layer() -> None:
    base, app = layer("base"), layer("app", "COPY . /app")
    old = inventory(
        package("pkg:deb/debian/a@1", layer=base.diff_id),
        package("pkg:npm/b@1.0.0", layer=app.diff_id),
        layers=[base, app],
    )
    newer = layer("base 2")
    new = inventory(
        package("pkg:deb/debian/a@2", layer=newer.diff_id),
        package("pkg:npm/b@2.0.0", layer=app.diff_id),
        layers=[newer, app],
    )
    found = diff(old, new)
    assert {change.package.name: change.origin for change in found.packages} == {"a": "base", "b": "app"}
    assert found.base is not None
    assert found.base.kind == "refreshed"
    assert (found.layers_kept, [change.kind for change in found.layers]) == (1, ["removed", "added"])


def test_the_base_images_own_layers_decide_where_they_are_known() -> None:
    one, two, three = layer("1"), layer("2"), layer("3")
    old = inventory(package("pkg:deb/debian/a@1", layer=two.diff_id), layers=[one, two, three])
    new = inventory(package("pkg:deb/debian/a@2", layer=two.diff_id), layers=[one, two, three])
    base = inventory(layers=[one, two])
    assert [c.origin for c in diff(old, new).packages] == ["app"]
    assert [c.origin for c in diff(old, new, old_base=base, new_base=base).packages] == ["base"]


def test_base_by_label_and_by_release() -> None:
    def named(name: str, digest: str) -> list[tuple[str, str]]:
        return [("Label:org.opencontainers.image.base.name", json.dumps(name)),
                ("Label:org.opencontainers.image.base.digest", json.dumps(digest))]  # fmt: skip

    kinds = [
        diff(inventory(config=named("a", "1")), inventory(config=named("b", "2"))).base,
        diff(inventory(config=named("a", "1")), inventory(config=named("a", "2"))).base,
        diff(inventory(distro=Distro("debian", "12")), inventory(distro=Distro("debian", "13"))).base,
        diff(inventory(distro=Distro("alpine", "3.19.3")), inventory(distro=Distro("alpine", "3.19.4"))).base,
        diff(inventory(config=named("a", "1")), inventory(config=named("a", "1"))).base,
    ]
    assert [base.kind if base else None for base in kinds] == ["changed", "refreshed", "changed", "refreshed", None]


def test_layers_rebuilt_by_the_same_instruction() -> None:
    old = inventory(layers=[layer("1", "RUN a"), layer("2", "RUN b"), layer("0"), layer("0")])
    new = inventory(layers=[layer("1", "RUN a"), layer("9", "RUN b"), layer("0")])
    found = diff(old, new)
    assert [(c.kind, c.old_index, c.new_index) for c in found.layers] == [("rebuilt", 1, 1), ("removed", 3, -1)]
    assert found.layers_kept == 2


def test_config_drift_item_by_item_with_secrets_hidden() -> None:
    old = [("User", '"1000"'), ("Env", '["PATH=/bin","DB_PASSWORD=old","A=1"]'), ("ExposedPorts", '{"80/tcp":{}}'),
           ("Cmd", '["serve","--token=abc"]'), ("StopSignal", '"SIGTERM"')]  # fmt: skip
    new = [("User", '"0"'), ("Env", '["PATH=/bin","DB_PASSWORD=new","A=2","URL=https://u:pw@h/"]'),
           ("ExposedPorts", '{"22/tcp":{}}'), ("Cmd", '["serve","--token=def"]'), ("Label:x", '"y"'),
           ("Healthcheck", '{"Test":["CMD","true"]}')]  # fmt: skip
    changes = {(c.setting, c.key): c for c in config_changes(old, new)}
    assert changes.keys() == {
        ("user", ""), ("env", "DB_PASSWORD"), ("env", "A"), ("env", "URL"), ("ports", "80/tcp"), ("ports", "22/tcp"),
        ("cmd", ""), ("labels", "x"), ("healthcheck", ""), ("stopsignal", ""),
    }  # fmt: skip
    shown = repr(changes)
    assert not any(secret in shown for secret in ("old'", "new'", "abc", "def", ":pw@"))
    assert changes["env", "DB_PASSWORD"].redacted
    assert changes["env", "A"].old == "1"
    assert changes["ports", "22/tcp"].old is None


@pytest.mark.parametrize("name", ["GPG_KEY", "PATH", "SECRET_FILE", "KEYBOARD", "MONKEY", "AUTHOR", "COMPASS"])
def test_names_that_only_look_secret_are_shown(name: str) -> None:
    (change,) = config_changes([("Env", json.dumps([f"{name}=1"]))], [("Env", json.dumps([f"{name}=2"]))])
    assert not change.redacted


@pytest.mark.parametrize("raw", ["", "[", "[" * 100_000, "nul", '{"a":' * 50_000, "12", "[[[[1]]]]"])
def test_a_config_that_lies_is_still_told(raw: str) -> None:
    assert len(config_changes([], [("Env", raw), ("User", '"x"')])) >= 1


def test_platforms_that_differ_are_told() -> None:
    found = diff(inventory(platform="linux/amd64"), inventory(platform="linux/arm64"))
    assert [note.text for note in found.notes if note.code == "platform"] == [
        "the platforms differ: linux/amd64 and linux/arm64"
    ]
