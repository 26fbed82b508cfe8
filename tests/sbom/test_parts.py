"""The small parts under the documents: calls, licences, graphs, text."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbomkit.errors import UsageError
from sbomkit.model.inventory import Inventory, Subject
from sbomkit.model.package import Package, Relationship
from sbomkit.sbom import identity, licenses, text
from sbomkit.sbom.format import Meta, formats, parse_output
from sbomkit.sbom.graph import resolve, top_level
from sbomkit.sbom.spdx_terms import cpe_type


def test_outputs_are_read() -> None:
    output = parse_output("cyclonedx-json@1.5=a=b@c.json")
    assert (output.format.name, output.version, output.path) == ("cyclonedx-json", "1.5", "a=b@c.json")
    assert parse_output("spdx-json").version == "2.3"
    assert parse_output("table=-").path == ""
    assert parse_output("CycloneDX").format.name == "cyclonedx-json"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("cyclonedx-jsn", "cyclonedx-json"), ("spdx", "spdx-json"), ("", "Formats:"), ("=x", "Formats:"),
        ("cyclonedx-json@9", "1.6"), ("cyclonedx-json@", "1.6"), ("table@1", "no versions"), ("json=", "FILE"),
        ("\x1b[31m" * 1000, "Formats:"), ("json=a\0b", ""),
    ],
)  # fmt: skip
def test_a_wrong_output_says_what_would_be_right(call: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_output(call)
    assert words in caught.value.hint
    assert len(caught.value.message) < 500


def test_each_format_is_a_module_of_its_name() -> None:
    assert {"cyclonedx-json", "spdx-json", "json", "table"} <= {f.name for f in formats()}
    for format in formats():
        assert not format.versions or format.default in format.versions


@pytest.mark.parametrize(
    ("statement", "kind", "value"),
    [
        ("MIT", "id", "MIT"), ("mit", "id", "MIT"), ("Expat", "id", "MIT"), ("GPL-2+", "id", "GPL-2.0-or-later"),
        ("GPLv3", "id", "GPL-3.0-only"), ("LGPLv2.1+", "id", "LGPL-2.1-or-later"), ("ASL 2.0", "id", "Apache-2.0"),
        ("MIT OR Apache-2.0", "expression", "MIT OR Apache-2.0"),
        ("mit or apache-2.0", "expression", "MIT OR Apache-2.0"),
        ("(MIT AND (GPL-2.0-only WITH Classpath-exception-2.0))", "expression",
         "(MIT AND (GPL-2.0-only WITH Classpath-exception-2.0))"),
        ("GPLv2+ and ASL 2.0", "expression", "GPL-2.0-or-later AND Apache-2.0"),
        ("EPL-1.0+", "expression", "EPL-1.0+"), ("LicenseRef-x", "expression", "LicenseRef-x"),
        ("BSD", "name", "BSD"), ("GPL", "name", "GPL"), ("MIT WITH MIT", "name", "MIT WITH MIT"),
        ("MIT Or Apache-2.0", "name", "MIT Or Apache-2.0"), ("(MIT", "name", "(MIT"), ("MIT)", "name", "MIT)"),
        ("MIT OR", "name", "MIT OR"), ("()", "name", "()"), ("", "name", ""), ("Classpath-exception-2.0", "name",
         "Classpath-exception-2.0"), ("(MIT) WITH LLVM-exception", "name", "(MIT) WITH LLVM-exception"),
    ],
)  # fmt: skip
def test_licences(statement: str, kind: str, value: str) -> None:
    recognised = licenses.recognise(statement)
    assert (recognised.kind, recognised.value) == (kind, value)


def test_licences_agree_with_the_reference_library() -> None:
    import license_expression

    reference = license_expression.get_spdx_licensing()
    good = ("MIT OR (Apache-2.0 AND ISC)", "GPL-2.0-or-later WITH Bison-exception-2.2", "((MIT AND ISC) OR Zlib)")
    for statement in (*good, "MIT ISC AND Zlib", "MIT WITH ISC", "Nothing AND MIT"):
        errors = reference.validate(statement).errors
        assert (licenses.recognise(statement).kind == "expression") == (not errors)


def test_a_hundred_thousand_brackets_are_no_trouble() -> None:
    start = time.process_time()
    nested = "(" * 100_000 + "MIT" + ")" * 100_000
    assert licenses.recognise(nested).kind == "expression"
    assert licenses.recognise("(" * 100_000).kind == "name"
    assert licenses.recognise("MIT OR " * 50_000).kind == "name"
    assert time.process_time() - start < 5


@given(st.text())
def test_any_text_is_some_licence_statement(statement: str) -> None:
    recognised = licenses.recognise(statement)
    if recognised.kind == "expression":
        assert licenses.recognise(recognised.value).value == recognised.value


def _inventory(nodes: str, *edges: str) -> Inventory:
    return Inventory(
        Subject("x"),
        tuple(Package(node, "t", node, "1") for node in nodes),
        tuple(Relationship(edge[0], "depends-on", edge[1]) for edge in edges),
    )


@pytest.mark.parametrize(
    ("nodes", "edges", "roots"),
    [
        ("abc", ("ab", "bc"), "a"), ("abc", (), "abc"), ("abc", ("ab", "ba", "ca"), "c"), ("aa"[:1], ("aa",), "a"),
        ("abc", ("bc", "cb", "ba"), "c"), ("abcd", ("ab", "ba", "cd", "dc"), "bd"),
    ],
)  # fmt: skip
def test_roots_lead_everywhere_and_are_few(nodes: str, edges: tuple[str, ...], roots: str) -> None:
    found = resolve(_inventory(nodes, *edges)).roots
    assert len(found) == len(roots)
    assert found == resolve(_inventory(nodes, *edges)).roots


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_no_root_is_reachable_from_another(pairs: set[tuple[int, int]]) -> None:
    edges: dict[str, list[str]] = {}
    for source, target in sorted(pairs):
        if source != target:
            edges.setdefault(str(source), []).append(str(target))
    nodes = [str(n) for n in range(8)]

    def reach(start: str) -> set[str]:
        seen, stack = {start}, [start]
        while stack:
            new = [target for target in edges.get(stack.pop(), ()) if target not in seen]
            seen.update(new)
            stack += new
        return seen

    tops = top_level(nodes, edges)
    assert set().union(*(reach(top) for top in tops)) == set(nodes)
    for top in tops:
        assert not (reach(top) - {top}) & set(tops)


def test_a_long_chain_needs_no_recursion() -> None:
    nodes = [f"{n:06}" for n in range(50_000)]
    ring = {node: [following] for node, following in zip(nodes, nodes[1:] + nodes[:1], strict=True)}
    assert len(top_level(nodes, ring)) == 1


def test_dangling_relationships_are_counted_not_written() -> None:
    graph = resolve(_inventory("ab", "ab", "az", "zb"))
    assert graph.depends_on == {"a": ["b"]}
    assert graph.dangling == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2024-01-27T00:30:48.743965523Z", "2024-01-27T00:30:48Z"),
        ("2024-01-27T02:30:48+02:00", "2024-01-27T00:30:48Z"),
        ("9999-99-99T00:00:00Z", ""), ("0001-01-01T00:00:00+14:00", ""), ("", ""), ("today", ""),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)  # fmt: skip
def test_times(given: str, expected: str) -> None:
    assert text.utc_seconds(given) == expected
    assert Meta("1", given).timestamp == (expected or "1970-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("localhost:5000/a/b:1.0@sha256:" + "0" * 64, ("localhost:5000/a/b", "1.0")), ("alpine", ("alpine", "")),
        ("alpine:3", ("alpine", "3")), ("h:5000/x", ("h:5000/x", "")),
    ],
)  # fmt: skip
def test_image_names(name: str, expected: tuple[str, str]) -> None:
    assert identity.repository_and_tag(name) == expected


def test_cpes() -> None:
    assert cpe_type("cpe:2.3:a:gnu:glibc:2.36:*:*:*:*:*:*:*") == "cpe23Type"
    assert cpe_type("cpe:/a:gnu:glibc:2.36") == "cpe22Type"
    assert cpe_type("cpe:2.3:a:gnu") == ""
    assert cpe_type("cpe:2.3:a:" + "*:" * 5000) == ""


def test_columns_count_wide_and_combining_characters() -> None:
    assert text.columns("漢字") == 4
    assert text.columns("e\u0301") == 1
    assert text.fit("漢字漢字", 5) == "漢字…"
    assert text.columns(text.fit("漢字漢字", 4)) == 4


def test_formats_are_found_without_heavy_imports() -> None:
    code = "import sys; from sbomkit.sbom.format import formats; formats(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"cyclonedx", "spdx_tools", "jsonschema", "jsonschema_rs", "license_expression", "yaml"} & set(loaded)
