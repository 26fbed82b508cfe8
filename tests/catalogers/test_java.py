"""Java archives: real ones with a known truth, names by evidence, and archives made to hurt."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest

from sbomkit.catalogers.base import Package
from sbomkit.catalogers.java import CATALOGER, MAX_DEPTH
from sbomkit.catalogers.java.pom import Pom, elements, manifest
from tests.catalogers.in_memory import parsed


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return out.getvalue()


def purls(path: str, content: bytes) -> list[str]:
    return sorted(fact.purl for fact in parsed(CATALOGER, path, content)[0] if isinstance(fact, Package))


TRUTH = {
    "maven.war": [
        "pkg:maven/com.cronutils/cron-utils@9.1.2",
        "pkg:maven/com.example/web-app@1.0-SNAPSHOT",
        "pkg:maven/com.fasterxml.jackson.core/jackson-annotations@2.9.10",
        "pkg:maven/com.fasterxml.jackson.core/jackson-core@2.9.10",
        "pkg:maven/com.fasterxml.jackson.core/jackson-databind@2.9.10.6",
        "pkg:maven/org.apache.commons/commons-lang3@3.11",
        "pkg:maven/org.glassfish/javax.el@3.0.0",
        "pkg:maven/org.slf4j/slf4j-api@1.7.30",
    ],
    "hadoop-shaded-guava-1.1.0-SNAPSHOT.jar": [
        "pkg:maven/com.google.guava/failureaccess@1.0.1",
        "pkg:maven/com.google.guava/guava@29.0-jre",
        "pkg:maven/com.google.guava/listenablefuture@9999.0-empty-to-avoid-conflict-with-guava",
        "pkg:maven/com.google.j2objc/j2objc-annotations@1.3",
        "pkg:maven/org.apache.hadoop.thirdparty/hadoop-shaded-guava@1.1.0-SNAPSHOT",
    ],
    "nested.jar": ["pkg:maven/test/nested2@0.0.2", "pkg:maven/test/nested3@0.0.3", "pkg:maven/test/nested@0.0.1"],
}


@pytest.mark.shared
@pytest.mark.parametrize("name", sorted(TRUTH))
def test_real_archives_hold_exactly_what_is_known(name: str, shared_data: Path) -> None:
    assert purls(f"app/{name}", (shared_data / "java" / name).read_bytes()) == TRUTH[name]


def test_the_main_artifact_keeps_the_files_sha1() -> None:
    content = archive({"META-INF/maven/g/a/pom.properties": b"groupId=g\nartifactId=a\nversion=1\n"})
    (package,) = (fact for fact in parsed(CATALOGER, "a-1.jar", content)[0] if isinstance(fact, Package))
    assert [digest.algorithm for digest in package.hashes] == ["sha1"]


def test_archives_nested_4000_deep_end_soon_and_say_so() -> None:
    content = archive({"META-INF/maven/g/a/pom.properties": b"groupId=g\nartifactId=a\nversion=1\n"})
    for _ in range(4000):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
            file.writestr("x.jar", content)
        content = out.getvalue()
    begin = time.perf_counter()
    facts, reason = parsed(CATALOGER, "deep.jar", content)
    assert time.perf_counter() - begin < 5
    assert f"{MAX_DEPTH} deep" in reason
    assert len(facts) <= MAX_DEPTH


def test_a_bomb_is_not_unpacked_and_the_rest_is_read() -> None:
    content = archive(
        {"META-INF/maven/g/a/pom.properties": b"groupId=g\nartifactId=a\nversion=1\n", "z.jar": bytes(64 << 20)}
    )
    facts, reason = parsed(CATALOGER, "a-1.jar", content)
    assert [fact.purl for fact in facts if isinstance(fact, Package)] == ["pkg:maven/g/a@1"]
    assert "zip bomb" in reason


def test_a_bomb_that_lies_about_its_size_is_stopped_at_what_it_states() -> None:
    content = bytearray(archive({"z.jar": bytes(1 << 20)}))
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    _, reason = parsed(CATALOGER, "a.jar", bytes(content))
    assert "larger than the 1000 bytes" in reason


def test_a_pom_is_read_without_its_comments_parents_and_dependencies() -> None:
    pom = Pom(
        "<project><!-- <version>9</version> --><parent><groupId>g</groupId><version>2</version></parent>"
        "<artifactId>a</artifactId><dependencies><dependency><artifactId>x</artifactId></dependency></dependencies></project>"
    )
    assert (pom.group, pom.name, pom.version) == ("g", "a", "2")


def test_a_pom_with_a_circle_of_properties_has_no_version() -> None:
    text = (
        "<project><artifactId>a</artifactId><version>${x}</version>"
        "<properties><x>${y}${y}</x><y>${x}${x}</y></properties></project>"
    )
    assert Pom(text).version == ""


def test_elements_of_a_deep_document_cost_no_recursion() -> None:
    assert elements("<a>" * 100_000) == {}


def test_a_manifest_joins_its_lines_and_stops_at_the_main_section() -> None:
    said = manifest("A: one\r\n  more\r\nB: two\r\n\r\nName: x\r\nA: other\r\n")
    assert said == {"a": "one more", "b": "two"}


@pytest.mark.parametrize(
    ("name", "purl"),
    [
        ("guava-31.1-jre.jar", "pkg:maven/guava@31.1-jre"),
        ("spark-core_2.12-3.1.1.jar", "pkg:maven/spark-core_2.12@3.1.1"),
        ("foo-1.0-SNAPSHOT.jar", "pkg:maven/foo@1.0-SNAPSHOT"),
        ("log4j-1.2-api-2.17.1.jar", "pkg:maven/log4j-1.2-api@2.17.1"),
        ("foo-1.0-20210101.123456-1.jar", "pkg:maven/foo@1.0-20210101.123456-1"),
        ("ojdbc8.jar", "pkg:maven/ojdbc8"),
    ],
)
def test_a_file_name_alone_gives_name_and_version(name: str, purl: str) -> None:
    assert purls(f"lib/{name}", archive({"A.class": b"x"})) == [purl]
