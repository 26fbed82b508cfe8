"""npm: what counts as a package, what a manifest may look like, and node's way to a dependency."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbomkit.catalogers.base import Issue, Package
from sbomkit.catalogers.npm import CATALOGER
from sbomkit.catalogers.npm.manifest import MAX_MANIFEST, InstallLock, Manifest
from sbomkit.image.source import open_source
from sbomkit.scan import scan
from tests.catalogers.in_memory import edges, findings, packages, parsed, write
from tests.conftest import PROJECT

FIXTURES = PROJECT / "fixtures" / "catalogers" / "npm"
REFERENCE = Path("/tmp/ref")


def manifest(content: object) -> Manifest:
    facts, reason = parsed(CATALOGER, "app/package.json", json.dumps(content))
    assert not reason
    assert isinstance(facts[0], Manifest)
    return facts[0]


def package(name: str, *wanted: str, version: str = "1.0.0", private: bool = False) -> str:
    content = {"name": name, "version": version, "private": private, "dependencies": dict.fromkeys(wanted, "*")}
    return json.dumps(content)


# --- manifests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "licenses"),
    [
        ({"license": "MIT"}, ("MIT",)),
        ({"license": " (MIT OR Apache-2.0) "}, ("(MIT OR Apache-2.0)",)),
        ({"license": {"type": "ISC", "url": "https://x"}}, ("ISC",)),
        ({"license": {"url": "https://x"}}, ("https://x",)),
        ({"license": ["MIT", {"name": "BSD"}, 7, None]}, ("MIT", "BSD")),
        ({"licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}], "license": "MIT"}, ("MIT", "GPL-2.0")),
        ({"licenses": "MIT"}, ("MIT",)),
        ({"license": True, "licenses": {"type": []}}, ()),
    ],
)
def test_licences_of_every_age(fields: dict[str, object], licenses: tuple[str, ...]) -> None:
    assert manifest({"name": "a", "version": "1", **fields}).licenses == licenses


@pytest.mark.parametrize(
    ("fields", "supplier"),
    [
        ({"author": "A B <a@x.example> (https://x.example)"}, "A B <a@x.example>"),
        ({"author": {"name": "A B", "email": "a@x.example", "url": "x"}}, "A B <a@x.example>"),
        ({"author": {}, "contributors": [{"name": "C"}, "D"]}, "C"),
        ({"author": ["E"], "maintainers": ["F"]}, "E"),
        ({"author": 1, "maintainers": {"email": "m@x.example"}}, "<m@x.example>"),
        ({}, ""),
    ],
)
def test_people_of_every_form(fields: dict[str, object], supplier: str) -> None:
    assert manifest({"name": "a", "version": "1", **fields}).supplier == supplier


@pytest.mark.parametrize(
    "content",
    ["{}", '{"name": "a"}', '{"version": "1"}', '{"name": 1, "version": "1"}', '{"name": "a", "version": null}'],
)
def test_a_helper_manifest_is_no_package(content: str) -> None:
    assert parsed(CATALOGER, "app/package.json", content) == ([], "")


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbf{"name":"a","version":"1"}',
        b'{"name":"b","name":"a","version":"1"}',
        b'{"name":"a","version":"1","author":"Jos\xe9"}',
        b'{"name":"a","version":"1","dependencies":["x"],"license":[[]]}',
    ],
)
def test_sloppy_json_is_read(content: bytes) -> None:
    facts, reason = parsed(CATALOGER, "app/package.json", content)
    assert not reason
    assert [fact.identity for fact in facts] == ["a@1"]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"\x00" * 100, b'"x"', b"NaN"]
)
def test_what_is_no_json_object_is_a_reason(content: bytes) -> None:
    facts, reason = parsed(CATALOGER, "app/node_modules/a/package.json", content)
    assert not facts
    assert "JSON" in reason


def test_broken_test_data_inside_a_package_is_no_issue() -> None:
    assert parsed(CATALOGER, "app/node_modules/a/test/package.json", b"{") == ([], "")


def test_a_huge_manifest_is_a_reason() -> None:
    facts, reason = parsed(CATALOGER, "app/package.json", b" " * (MAX_MANIFEST + 1))
    assert not facts
    assert "at most" in reason


@given(st.sampled_from(["a/package.json", "a/node_modules/.package-lock.json"]), st.binary(max_size=200))
def test_any_bytes_are_facts_or_a_reason(path: str, content: bytes) -> None:
    parsed(CATALOGER, path, content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([
    "license", "licenses", "author", "contributors", "maintainers", "homepage", "repository", "dependencies",
    "optionalDependencies", "peerDependencies", "dist", "_resolved", "_integrity", "private", "packages",
])  # fmt: skip


@given(st.dictionaries(FIELDS, JSON))
def test_fields_of_any_shape_are_survived(fields: dict[str, object]) -> None:
    assert manifest({"name": "a", "version": "1", **fields}).identity == "a@1"
    parsed(CATALOGER, "node_modules/.package-lock.json", json.dumps(fields))


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "counts"),
    [
        ("app", True),
        ("usr/share/nodejs/a", True),
        ("app/node_modules/a", True),
        ("app/node_modules/@s/a", True),
        ("app/node_modules/b/node_modules/a", True),
        ("app/node_modules/.pnpm/a@1/node_modules/a", True),
        ("app/node_modules/a/dist/esm", False),
        ("app/node_modules/@s/a/esm", False),
        ("app/node_modules/@s", False),
        ("app/node_modules/.cache/a", False),
        ("app/node_modules", False),
        ("app/my_node_modules/x/y", True),
    ],
)
def test_where_a_package_stands(tmp_path: Path, place: str, counts: bool) -> None:
    found = findings(CATALOGER, write(tmp_path, {f"{place}/package.json": package("a")}))
    assert bool(packages(found)) is counts


def test_scopes_are_namespaces(tmp_path: Path) -> None:
    found = packages(findings(CATALOGER, write(tmp_path, {"node_modules/@s/a/package.json": package("@s/a")})))
    assert [(p.purl, p.namespace, p.name) for p in found.values()] == [("pkg:npm/%40s/a@1.0.0", "@s", "a")]


@pytest.mark.parametrize("name", ["@/a", "a/b", "@s/a/b", "a/", "@s/", "/"])
def test_a_name_that_npm_does_not_know_is_an_issue(tmp_path: Path, name: str) -> None:
    found = findings(CATALOGER, write(tmp_path, {"node_modules/a/package.json": package(name)}))
    assert [type(item) for item in found] == [Issue]


def test_only_a_private_root_is_an_application(tmp_path: Path) -> None:
    root = write(tmp_path, {
        "app/package.json": package("app", private=True),
        "app/node_modules/lib/package.json": package("lib", private=True),
    })  # fmt: skip
    found = {p.name: (p.kind, dict(p.extra)) for p in packages(findings(CATALOGER, root)).values()}
    assert found == {"app": ("application", {"npm:private": "true"}), "lib": ("library", {"npm:private": "true"})}


# --- where from -------------------------------------------------------------------------------------------------------


def test_the_install_record_tells_hash_and_origin_of_the_same_version_only(tmp_path: Path) -> None:
    integrity = "sha1-" + "A" * 27 + "= sha512-" + "A" * 86 + "== sha512-short md6-x"
    entry = {"version": "1.0.0", "resolved": "https://u:p@r.example/a.tgz?t=1", "integrity": integrity}
    lock = {"packages": {"node_modules/a": entry, "node_modules/b": entry, "": {}, "x": 1}}
    root = write(tmp_path, {
        "srv/node_modules/.package-lock.json": json.dumps(lock), "srv/node_modules/a/package.json": package("a"),
        "srv/node_modules/b/package.json": package("b", version="2.0.0"),
    })  # fmt: skip
    found = {p.name: p for p in packages(findings(CATALOGER, root)).values()}
    assert [str(digest) for digest in found["a"].hashes] == ["sha1:" + "00" * 20, "sha512:" + "00" * 64]
    assert dict(found["a"].extra) == {"npm:resolved": "https://r.example/a.tgz"}
    assert found["b"].hashes == ()


@pytest.mark.parametrize("content", ["{}", '{"packages": []}', "[]"])
def test_an_install_record_without_packages_is_a_reason(content: str) -> None:
    facts, reason = parsed(CATALOGER, "node_modules/.package-lock.json", content)
    assert not facts
    assert reason


def test_entries_of_odd_shape_are_passed_over() -> None:
    facts, _ = parsed(CATALOGER, "node_modules/.package-lock.json", '{"packages": {"a": {"version": 1}, "b": null}}')
    assert facts == [InstallLock((("a", "", "", ""),))]


def test_no_secret_reaches_an_inventory() -> None:
    found = findings(CATALOGER, FIXTURES / "odd" / "root")
    assert any("npm:resolved" in dict(p.extra) for p in packages(found).values())
    assert "secret" not in repr(found)
    assert "token" not in repr(found)


# --- edges ------------------------------------------------------------------------------------------------------------


def test_the_nearest_wins_and_aliases_are_followed(tmp_path: Path) -> None:
    root = write(tmp_path, {
        "app/package.json": package("app", "a", "b", "nick"),
        "app/node_modules/a/package.json": package("a", "b"),
        "app/node_modules/a/node_modules/b/package.json": package("b", "c", version="2.0.0"),
        "app/node_modules/b/package.json": package("b"),
        "app/node_modules/nick/package.json": package("real-name"),
        "node_modules/c/package.json": package("c"),
        "other/node_modules/x/package.json": package("x", "a"),
    })  # fmt: skip
    assert edges(findings(CATALOGER, root)) == {
        ("app@1.0.0", "a@1.0.0"), ("app@1.0.0", "b@1.0.0"), ("app@1.0.0", "real-name@1.0.0"),
        ("a@1.0.0", "b@2.0.0"), ("b@2.0.0", "c@1.0.0"),
    }  # fmt: skip


def test_optional_and_peer_count_where_they_are_and_development_does_not(tmp_path: Path) -> None:
    wants = {
        "optionalDependencies": {"o": "*", "gone": "*"},
        "peerDependencies": {"p": "*"},
        "devDependencies": {"d": "*"},
    }
    root = write(tmp_path, {
        "package.json": json.dumps({"name": "app", "version": "1.0.0", **wants}),
        **{f"node_modules/{name}/package.json": package(name) for name in "opd"},
    })  # fmt: skip
    assert edges(findings(CATALOGER, root)) == {("app@1.0.0", "o@1.0.0"), ("app@1.0.0", "p@1.0.0")}


def test_links_are_followed_from_the_real_place(tmp_path: Path) -> None:
    store = "srv/node_modules/.pnpm"
    root = write(tmp_path, {
        "srv/package.json": package("srv", "a", "ws"),
        "srv/node_modules/a": "-> .pnpm/a@1/node_modules/a",
        f"{store}/a@1/node_modules/a/package.json": package("a", "@s/b"),
        f"{store}/a@1/node_modules/@s": "-> ../../b@1/node_modules/@s",
        f"{store}/b@1/node_modules/@s/b/package.json": package("@s/b", "a"),
        f"{store}/b@1/node_modules/a": "-> ../../a@1/node_modules/a",
        "srv/node_modules/ws": "-> ../packages/ws",
        "srv/packages/ws/package.json": package("ws", "a"),
    })  # fmt: skip
    assert edges(findings(CATALOGER, root)) == {
        ("srv@1.0.0", "a@1.0.0"), ("srv@1.0.0", "ws@1.0.0"), ("ws@1.0.0", "a@1.0.0"),
        ("a@1.0.0", "%40s/b@1.0.0"), ("%40s/b@1.0.0", "a@1.0.0"),
    }  # fmt: skip


def test_debians_packages_see_each_other(tmp_path: Path) -> None:
    root = write(tmp_path, {
        "usr/share/nodejs/a/package.json": package("a", "@s/b"), "usr/share/nodejs/@s/b/package.json": package("@s/b"),
    })  # fmt: skip
    assert edges(findings(CATALOGER, root)) == {("a@1.0.0", "%40s/b@1.0.0")}


@pytest.mark.parametrize("name", ["", ".", "..", "../../etc", "/etc", "a/../b", "@s", "a/package.json", "\x00"])
def test_odd_names_of_dependencies_lead_nowhere(tmp_path: Path, name: str) -> None:
    root = write(tmp_path, {"app/package.json": package("app", name), "app/node_modules/b/package.json": package("b")})
    assert not edges(findings(CATALOGER, root))


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    root = write(tmp_path, {
        "app/package.json": package("app", "a", "b"), "app/node_modules/a": "-> b", "app/node_modules/b": "-> a",
    })  # fmt: skip
    assert not edges(findings(CATALOGER, root))


def test_a_manifest_of_many_names_in_a_deep_tree_takes_no_time(tmp_path: Path) -> None:
    deep = "/".join(["node_modules/a"] * 100)
    files: dict[str, bytes | str] = {
        f"{'/'.join(['node_modules/a'] * n)}/package.json": package("a") for n in range(1, 100)
    }
    files[f"{deep}/package.json"] = package("z", *(f"x{n}" for n in range(100_000)))
    root = write(tmp_path, files)
    before = time.process_time()
    findings(CATALOGER, root)
    assert time.process_time() - before < 10


def test_what_npm_and_pnpm_install_is_the_same() -> None:
    wanted = {
        case: {
            p.partition("@")[0] + p.partition("@")[2][:4]
            for p in packages(findings(CATALOGER, FIXTURES / case / "root"))
        }
        for case in ("installed", "pnpm")
    }
    assert wanted["pnpm"] - {"pkg:npm/srv1.0."} <= wanted["installed"]
    assert len(edges(findings(CATALOGER, FIXTURES / "pnpm" / "root"))) > 10


@pytest.mark.slow
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_reference_image(version: str) -> None:
    if not REFERENCE.is_dir():
        pytest.skip(f"the reference image is not at {REFERENCE}")
    truth = {tuple(entry) for entry in json.loads((REFERENCE / f"truth-{version}.json").read_text())["npm"]}
    inventory = scan(open_source(f"oci-dir:{REFERENCE}/oci:{version}"), [CATALOGER])
    inside = [p for p in inventory.packages if any("/node_modules/" in where.path for where in p.locations)]
    assert {(f"{p.namespace}/{p.name}".strip("/"), p.version) for p in inside if isinstance(p, Package)} == truth
    assert not inventory.issues
