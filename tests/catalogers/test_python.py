"""Python: metadata of every age, who owns what, which requirement means which distribution, and hostile files."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker

from sbomkit.catalogers.base import Issue, Ownership, Package
from sbomkit.catalogers.python import CATALOGER
from sbomkit.catalogers.python.installed import MAX_FILES, DirectUrl, Files, Installer
from sbomkit.catalogers.python.markers import Environment, normalised, parse_requirement
from sbomkit.catalogers.python.metadata import Metadata, Requires, stated_licenses
from sbomkit.image.source import open_source
from sbomkit.scan import scan
from tests.catalogers.in_memory import edges, findings, packages, parsed, write
from tests.conftest import PROJECT

FIXTURES = PROJECT / "fixtures" / "catalogers" / "python"
SITE = "usr/lib/python3.11/site-packages"
REFERENCE = Path("/tmp/ref")


def metadata(headers: str | bytes) -> Metadata:
    facts, reason = parsed(CATALOGER, f"{SITE}/x.dist-info/METADATA", headers)
    assert not reason
    assert isinstance(facts[0], Metadata)
    return facts[0]


def minimal(name: str, version: str = "1", *more: str) -> str:
    return "\n".join([f"Name: {name}", f"Version: {version}", *more, "", ""])


def site(*distributions: tuple[str, ...], directory: str = SITE) -> dict[str, bytes | str]:
    """METADATA files: each a name and its Requires-Dist."""
    return {
        f"{directory}/{name}-1.dist-info/METADATA": minimal(name, "1", *(f"Requires-Dist: {r}" for r in requires))
        for name, *requires in distributions
    }


# --- metadata ---------------------------------------------------------------------------------------------------------


def test_what_the_header_says() -> None:
    found = metadata(
        "Metadata-Version: 2.1\r\nName: Foo.Bar_baz\r\nVersion: 1.0+local\r\nSummary: Does it\r\n"
        'Author-email: "A. B" <a@example.org>\r\nProject-URL: Home-Page, https://example.org/\r\n'
        "Requires-Dist: x ; \r\n  python_version < '3'\r\nLicense-Expression: MIT\r\n"
        "\r\nName: not this\r\nLicense: GPL\r\n"
    )
    assert (found.name, found.version, found.summary) == ("Foo.Bar_baz", "1.0+local", "Does it")
    assert (found.supplier, found.homepage) == ("A. B <a@example.org>", "https://example.org/")
    assert found.license_expression == "MIT"
    assert not found.license
    assert [" ".join(text.split()) for text in found.requires] == ["x ; python_version < '3'"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf\r\n\r\nName: a\r\nVersion: 1\r\n",
        b"name:a\nVERSION :1",
        b"Author: Jos\xe9\nName: a\nVersion: 1\n\n",
        b"License: one\nthat nobody folded\nName: a\nVersion: 1\n",
        b"  folded to nothing\nName: a\nVersion: 1\n",
        b"Name: a\nName: b\nVersion: 1\nVersion: 2\n",
    ],
)
def test_sloppy_headers_are_read(content: bytes) -> None:
    found = metadata(content)
    assert (found.name, found.version) == ("a", "1")


@pytest.mark.parametrize(
    "content", [b"", b"Name: a", b"Version: 1\n", b"\n\n\n", b"Name:\nVersion: 1\n", b"\x00\xff" * 99]
)
def test_metadata_without_a_name_or_version_is_refused(content: bytes) -> None:
    facts, reason = parsed(CATALOGER, f"{SITE}/x.egg-info", content)
    assert not facts
    assert "metadata without" in reason


@pytest.mark.parametrize(
    ("headers", "licenses"),
    [
        ("License-Expression: MIT\nLicense: x\nClassifier: License :: OSI Approved :: BSD License", ["MIT"]),
        ("License: BSD-3-Clause\nClassifier: License :: OSI Approved :: BSD License", ["BSD-3-Clause"]),
        ("License: MIT\nClassifier: License :: OSI Approved :: Apache Software License",
         ["MIT", "Apache Software License"]),
        ("License: LGPL\nClassifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
         ["LGPL", "GNU General Public License v3 (GPLv3)"]),
        ("License: GPL-3.0\nClassifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)", ["GPL-3.0"]),
        ("License: UNKNOWN\nClassifier: License :: OSI Approved", []),
        ("License: UNKNOWN\nClassifier: License :: Public Domain", ["Public Domain"]),
        ("License: Text\n        of many lines\nClassifier: License :: OSI Approved :: MIT License", ["MIT License"]),
    ],
)  # fmt: skip
def test_licences_as_declared(headers: str, licenses: list[str]) -> None:
    assert [name for name, _ in stated_licenses(metadata(minimal("a", "1", headers)))] == licenses


def test_a_licence_that_is_a_text_keeps_it() -> None:
    text = minimal("a", "1", "License: Free for all\n        |\n        Do what you want.")
    assert list(stated_licenses(metadata(text))) == [("Free for all", "Free for all\n\nDo what you want.")]


def test_purls_are_normalised_and_names_are_not(tmp_path: Path) -> None:
    root = write(tmp_path, {f"{SITE}/Foo.Bar__baz-1.dist-info/METADATA": minimal("Foo.Bar__baz")})
    (package,) = packages(findings(CATALOGER, root)).values()
    assert (package.purl, package.name) == ("pkg:pypi/foo-bar-baz@1", "Foo.Bar__baz")


# --- what stands beside it --------------------------------------------------------------------------------------------


def test_record_paths_are_owned_where_they_are(tmp_path: Path) -> None:
    record = '../../../bin/foo,sha256=abc,3\nfoo/__init__.py,,\n"odd, ""name"".py",sha256=x,1\n/etc/foo,,\r\n./a//b,,\n'
    root = write(tmp_path, {**site(("foo",)), f"{SITE}/foo-1.dist-info/RECORD": record})
    owned = [o.paths for o in findings(CATALOGER, root) if isinstance(o, Ownership)]
    assert owned == [
        ("/usr/bin/foo", f"/{SITE}/foo/__init__.py", f'/{SITE}/odd, "name".py', "/etc/foo", f"/{SITE}/a/b"),
    ]


def test_installed_files_start_in_the_egg_info(tmp_path: Path) -> None:
    files = {
        f"{SITE}/a.egg-info/PKG-INFO": minimal("a"),
        f"{SITE}/a.egg-info/installed-files.txt": "../a.py\nPKG-INFO\n",
    }
    owned = [o.paths for o in findings(CATALOGER, write(tmp_path, {**files})) if isinstance(o, Ownership)]
    assert owned == [(f"/{SITE}/a.py", f"/{SITE}/a.egg-info/PKG-INFO")]


def test_hashes_of_files_are_kept_as_recorded() -> None:
    facts, _ = parsed(CATALOGER, f"{SITE}/a.dist-info/RECORD", "a.py,sha256=AbC_-,12\na,b.py,md5=x,1\n")
    assert facts == [Files((("a.py", "sha256=AbC_-"), ("a,b.py", "md5=x")), beside_info=True)]


def test_the_installer_the_request_and_the_origin_are_told(tmp_path: Path) -> None:
    info = f"{SITE}/a-1.dist-info"
    digest = "ab" * 32
    url = {"url": "https://u:p@h.example/a.whl?token=t#x", "archive_info": {"hashes": {"sha256": digest, "crc": "1"}}}
    files = {f"{info}/INSTALLER": "uv\n", f"{info}/REQUESTED": "", f"{info}/direct_url.json": json.dumps(url)}
    (package,) = packages(findings(CATALOGER, write(tmp_path, {**site(("a",)), **files}))).values()
    assert dict(package.extra) == {
        "python:direct-url": "https://h.example/a.whl", "python:installer": "uv", "python:requested": "true",
    }  # fmt: skip
    assert [str(found) for found in package.hashes] == [f"sha256:{digest}"]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("ssh://git@h.example/x.git", "ssh://git@h.example/x.git"),
        ("git@h.example:x/y.git", "git@h.example:x/y.git"),
        ("joe@h.example:x/y.git", "h.example:x/y.git"),
        ("https://${TOKEN}@h.example:8443/x", "https://h.example:8443/x"),
        ("https://a:b@c:d@h.example/x", "https://h.example/x"),
        ("file:///build/a", "file:///build/a"),
        ("https://[bad/x", ""),
    ],
)
def test_no_secret_of_an_address_is_kept(url: str, kept: str) -> None:
    facts, reason = parsed(CATALOGER, f"{SITE}/a.dist-info/direct_url.json", json.dumps({"url": url, "dir_info": {}}))
    assert (facts, reason) == ([DirectUrl(kept)], "")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"url": 1}', "[" * 100_000, '{"url":' * 100_000])
def test_a_broken_direct_url_is_a_reason(content: str) -> None:
    facts, reason = parsed(CATALOGER, f"{SITE}/a.dist-info/direct_url.json", content)
    assert not facts
    assert reason


def test_an_empty_installer_is_none() -> None:
    assert parsed(CATALOGER, f"{SITE}/a.dist-info/INSTALLER", b"") == ([Installer("")], "")


# --- eggs -------------------------------------------------------------------------------------------------------------


def egg(members: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_zipped_egg_is_read_with_its_requirements() -> None:
    content = egg({"EGG-INFO/PKG-INFO": minimal("a"), "EGG-INFO/requires.txt": "b\n"})
    facts, reason = parsed(CATALOGER, f"{SITE}/a-1-py3.11.egg", content)
    assert not reason
    assert facts == [Metadata("a", "1", requires=("b",))]


def test_an_egg_without_metadata_is_nothing() -> None:
    assert parsed(CATALOGER, f"{SITE}/a.egg", egg({"x": "y"})) == ([], "")


def test_a_bomb_in_an_egg_is_refused() -> None:
    content = egg({"EGG-INFO/PKG-INFO": "Name: a\nVersion: 1\n\n" + " " * (64 << 20)})
    facts, reason = parsed(CATALOGER, f"{SITE}/a.egg", content)
    assert not facts
    assert "more than" in reason


@given(st.data())
def test_a_damaged_egg_is_metadata_or_a_reason(data: st.DataObject) -> None:
    content = bytearray(egg({"EGG-INFO/PKG-INFO": minimal("a"), "x": "y" * 50}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    parsed(CATALOGER, f"{SITE}/a.egg", bytes(content[: cut or None]))


# --- markers ----------------------------------------------------------------------------------------------------------

LINUX = Environment((3, 11), "cpython")


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        ("python_version < '3.8'", False),
        ("python_version >= '3.8'", True),
        ("'3.8' <= python_version", True),
        ("python_version in '2.7, 3.11'", True),
        ("python_version not in '2.7 3.11'", False),
        ("python_version == '3.*'", True),
        ("python_version ~= '3.9'", True),
        ("python_version ~= '2.7'", False),
        ("python_full_version < '3.11.4'", True),  # not known, so kept
        ("python_full_version >= '3.12.1'", False),
        ("python_full_version == '3.10.1'", False),
        ("python_full_version != '3.11.0'", True),
        ("sys_platform == 'win32'", False),
        ("'linux' in sys_platform", True),
        ("os.name == 'nt' or sys_platform != 'win32'", True),
        ("platform_system == 'Windows' and platform_machine == 'x86_64'", False),
        ("platform_machine == 's390x'", True),  # not known, so kept
        ("(platform_machine == 's390x' and os_name == 'nt') or extra == 'x'", False),
        ("implementation_name != 'cpython'", False),
        ("platform_python_implementation == 'PyPy'", False),
        ("extra == 'x'", False),
        ("extra != 'x'", True),
        ("extra == 'x' or python_version > '3'", True),
        ("python_version > 'junk'", True),
        ("((((", True),
        ("python_version", True),
        ("'a' == 'b'", True),
        ("$", True),
        ("(" * 5000 + "os_name == 'nt'" + ")" * 5000, True),
    ],
)
def test_markers_are_asked_of_the_image(marker: str, applies: bool) -> None:
    requirement = parse_requirement(f"x>1 ; {marker}")
    assert requirement is not None
    assert requirement.applies(LINUX) is applies


@pytest.mark.parametrize("implementation", ["", "cpython"])
def test_without_a_known_python_all_is_kept(implementation: str) -> None:
    requirement = parse_requirement("x; python_version < '3' or python_full_version < '2'")
    assert requirement is not None
    assert requirement.applies(Environment(None, implementation))


_VALUES = {
    "python_version": ["2.7", "3", "3.8", "3.11", "3.11.0", "3.12", "3.*", "4"],
    "sys_platform": ["linux", "win32", "darwin", "lin"],
    "os_name": ["posix", "nt"],
    "platform_system": ["Linux", "Windows"],
    "extra": ["a", "B_c"],
}


@st.composite
def atoms(draw: st.DrawFn) -> str:
    variable = draw(st.sampled_from(sorted(_VALUES)))
    value = draw(st.sampled_from(_VALUES[variable]))
    orders = ["<", "<=", ">", ">=", "==", "!="] if variable == "python_version" else ["==", "!="]
    return f'{variable} {draw(st.sampled_from(orders if "*" not in value else ["==", "!="]))} "{value}"'


MARKERS = st.recursive(
    atoms(),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
    max_leaves=6,
)


@given(MARKERS, st.sampled_from(["", "a", "b-c"]))
def test_markers_mean_what_packaging_says(text: str, extra: str) -> None:
    environment = {
        "python_version": "3.11", "sys_platform": "linux", "os_name": "posix", "platform_system": "Linux",
        "extra": extra,
    }  # fmt: skip
    requirement = parse_requirement(f"x ; {text}")
    assert requirement is not None
    assert requirement.applies(LINUX, extra) is Marker(text).evaluate(environment)


@given(st.text(max_size=60))
def test_any_text_is_a_requirement_or_none(text: str) -> None:
    requirement = parse_requirement(text)
    if requirement is not None:
        assert requirement.name
        requirement.applies(LINUX)


@pytest.mark.parametrize(
    ("text", "name", "extras"),
    [
        ("Foo_Bar (>=1.0)", "foo-bar", ()),
        ("foo[b, A_c]>=1,<2;os_name=='nt'", "foo", ("a-c", "b")),
        ("foo @ https://h.example/a;b.zip ; os_name == 'nt'", "foo", ()),
    ],
)
def test_requirements(text: str, name: str, extras: tuple[str, ...]) -> None:
    found = parse_requirement(text)
    assert found is not None
    assert (found.name, found.extras) == (name, extras)
    assert found.applies(LINUX) is (";" not in text)


def test_requires_txt_is_translated() -> None:
    facts, _ = parsed(
        CATALOGER, f"{SITE}/a.egg-info/requires.txt", 'a>1\n\n[x]\nb\n[y:os_name == "nt"]\nc;d=="e"\n[:f<"3"]\ng\n'
    )
    assert facts == [
        Requires(("a>1", 'b ; extra == "x"', 'c ; (d=="e") and (os_name == "nt") and extra == "y"', 'g ; (f<"3")'))
    ]


# --- edges ------------------------------------------------------------------------------------------------------------


def test_the_python_version_of_the_path_decides(tmp_path: Path) -> None:
    wants = ("a", "b; python_version < '3.10'")
    files = site(wants, ("b",)) | site(wants, ("b",), directory="usr/lib/python3.9/site-packages")
    files |= site(("c", "b; python_version < '3.10'"))
    found = edges(findings(CATALOGER, write(tmp_path, files)))
    assert found == {("a@1", "b@1")}


def test_debians_directory_has_the_version_that_python3_links_to(tmp_path: Path) -> None:
    files = site(("a", "b; python_version < '3.10'", "c"), ("b",), ("c",), directory="usr/lib/python3/dist-packages")
    root = write(tmp_path, {**files, "usr/bin/python3.11": "x", "usr/bin/python3": "-> python3.11"})
    assert edges(findings(CATALOGER, root)) == {("a@1", "c@1")}


def test_extras_count_where_somebody_asks_for_them(tmp_path: Path) -> None:
    files = site(
        ("app", "lib[Fast_IO]"),
        ("lib", "fast; extra == 'fast-io'", "slow; extra == 'slow'", "lib[all]; extra == 'fast-io'",
         "more; extra == 'all'"),
        ("fast",), ("slow",), ("more",),
    )  # fmt: skip
    found = edges(findings(CATALOGER, write(tmp_path, files)))
    assert found == {("app@1", "lib@1"), ("lib@1", "fast@1"), ("lib@1", "more@1")}


def test_local_packages_come_before_the_distributions(tmp_path: Path) -> None:
    local, system = "usr/local/lib/python3.11/dist-packages", "usr/lib/python3/dist-packages"
    files = site(("a", "b"), directory="opt/lib/python3.11/site-packages")
    files |= {f"{local}/b.dist-info/METADATA": minimal("b", "2"), f"{system}/b.dist-info/METADATA": minimal("b", "1")}
    assert edges(findings(CATALOGER, write(tmp_path, files))) == {("a@1", "b@2")}


def test_another_pythons_packages_are_not_seen(tmp_path: Path) -> None:
    files = site(("a", "b")) | site(("b",), directory="usr/lib/python3.9/site-packages")
    assert not edges(findings(CATALOGER, write(tmp_path, files)))


def test_conda_environments_are_closed(tmp_path: Path) -> None:
    files = site(("a", "b"), directory="opt/conda/lib/python3.11/site-packages") | site(("b",))
    root = write(tmp_path, {**files, "opt/conda/conda-meta/history": ""})
    assert not edges(findings(CATALOGER, root))


def test_a_vendored_copy_is_seen_by_its_vendor_only(tmp_path: Path) -> None:
    files = site(("a", "v"), ("w",)) | site(("v", "w"), directory=f"{SITE}/setuptools/_vendor")
    assert edges(findings(CATALOGER, write(tmp_path, files))) == {("v@1", "w@1")}


def test_a_thousand_copies_do_not_make_a_million_edges(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {}
    for n in range(1000):
        files[f"{SITE}/x-{n}.dist-info/METADATA"] = minimal("x", str(n), "Requires-Dist: x", "Requires-Dist: x[a]")
    before = time.process_time()
    assert len(edges(findings(CATALOGER, write(tmp_path, files)))) < 1000
    assert time.process_time() - before < 10


# --- hostile and whole ------------------------------------------------------------------------------------------------

PATHS = st.sampled_from([
    f"{SITE}/a.dist-info/METADATA", f"{SITE}/a.dist-info/RECORD", f"{SITE}/a.dist-info/INSTALLER", f"{SITE}/a.egg-info",
    f"{SITE}/a.dist-info/direct_url.json", f"{SITE}/a.egg-info/requires.txt", f"{SITE}/a.egg-info/installed-files.txt",
    f"{SITE}/a.egg", "srv/pyvenv.cfg",
])  # fmt: skip


@given(
    PATHS, st.one_of(st.binary(max_size=300), st.text('Name: Vrsion1.\n\t,"[]{};x\x00é', max_size=200).map(str.encode))
)
def test_any_bytes_are_facts_or_a_reason(path: str, content: bytes) -> None:
    parsed(CATALOGER, path, content)


def test_a_record_with_an_endless_field_is_a_reason() -> None:
    facts, reason = parsed(CATALOGER, f"{SITE}/a.dist-info/RECORD", '"' + "x" * 200_000)
    assert not facts
    assert "CSV" in reason


@pytest.mark.parametrize("name", ["a.dist-info/RECORD", "a.egg-info/installed-files.txt"])
@pytest.mark.parametrize("line", ["x\n", '"x"\n'])
def test_a_flood_of_files_is_a_reason(name: str, line: str) -> None:
    facts, reason = parsed(CATALOGER, f"{SITE}/{name}", line * (MAX_FILES + 1))
    assert not facts
    assert "more than" in reason


def test_a_name_that_no_purl_can_hold_is_an_issue(tmp_path: Path) -> None:
    found = findings(CATALOGER, write(tmp_path, {f"{SITE}/x.egg-info": minimal("//")}))
    assert [type(item) for item in found] == [Issue]


def test_the_image_that_pip_made() -> None:
    found = findings(CATALOGER, FIXTURES / "installed" / "root")
    named = packages(found)
    assert dict(named["pkg:pypi/urllib3@2.2.3"].extra)["python:requested"] == "true"
    assert "python:requested" not in dict(named["pkg:pypi/attrs@26.1.0"].extra)
    assert {package.licenses[0].value for package in named.values() if package.licenses} >= {"MIT", "PSF-2.0", "BSD"}
    owned = {o.purl: o.paths for o in found if isinstance(o, Ownership)}
    assert "/usr/local/bin/jsonschema" in owned["pkg:pypi/jsonschema@4.23.0"]
    assert set(owned) == set(named)


def test_no_secret_reaches_an_inventory() -> None:
    assert "secret" not in repr(findings(CATALOGER, FIXTURES / "environments" / "root"))


@pytest.mark.slow
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_reference_image(version: str) -> None:
    if not REFERENCE.is_dir():
        pytest.skip(f"the reference image is not at {REFERENCE}")
    truth = {(normalised(name), v) for name, v in json.loads((REFERENCE / f"truth-{version}.json").read_text())["pypi"]}
    inventory = scan(open_source(f"oci-dir:{REFERENCE}/oci:{version}"), [CATALOGER])
    found = {(normalised(p.name), p.version) for p in inventory.packages if isinstance(p, Package)}
    assert found == truth
    assert not inventory.issues
