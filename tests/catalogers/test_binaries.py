"""Go and Rust programs, notes and runtimes: real ones with a known truth, both encodings, and every rule."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import pytest

from sbomkit.catalogers import go, rust
from sbomkit.catalogers.base import Package
from sbomkit.catalogers.reading.executable import parsed as parsed_executable
from sbomkit.catalogers.runtimes import CATALOGER as RUNTIMES
from sbomkit.catalogers.runtimes.rules import RULES
from sbomkit.image.image import Image
from sbomkit.scan import scan
from tests.catalogers import executables
from tests.catalogers.in_memory import parsed
from tests.conftest import PROJECT


def named(facts: list[object]) -> set[tuple[str, str]]:
    return {(fact.name, fact.version) for fact in facts if isinstance(fact, Package)}


@pytest.mark.shared
def test_a_go_binary_of_the_old_encoding_has_its_modules(shared_data: Path) -> None:
    facts, reason = parsed(go.CATALOGER, "bin/x", (shared_data / "binaries/go-modules.elf").read_bytes())
    assert not reason
    assert named(list(facts)) == {
        ("github.com/aquasecurity/test", "(devel)"),
        ("github.com/aquasecurity/go-pep440-version", "v0.0.0-20210121094942-22b2f8951d46"),
        ("github.com/aquasecurity/go-version", "v0.0.0-20210121072130-637058cfe492"),
        ("golang.org/x/xerrors", "v0.0.0-20200804184101-5ec99f83aff1"),
        ("stdlib", "1.15.2"),
    }


@pytest.mark.shared
def test_a_go_binary_tells_its_version_by_the_linkers_flags(shared_data: Path) -> None:
    facts, _ = parsed(go.CATALOGER, "bin/x", (shared_data / "binaries/go-main-version-ldflags.elf").read_bytes())
    assert named(list(facts)) == {("github.com/aquasecurity/test", "v1.0.0"), ("stdlib", "1.22.1")}


@pytest.mark.shared
@pytest.mark.parametrize(("name", "count"), [("rust-auditable", 2), ("rust-auditable-serde-json", 11)])
def test_a_rust_binary_has_its_crates(name: str, count: int, shared_data: Path) -> None:
    facts, _ = parsed(rust.CATALOGER, "bin/x", (shared_data / f"binaries/{name}.elf").read_bytes())
    assert len(named(list(facts))) == count


def go_binary(version: str, modules: str) -> bytes:
    framed = b"\x30" * 16 + modules.encode() + b"\x30" * 16 if modules else b""

    def string(raw: bytes) -> bytes:
        size = len(raw)
        return (bytes((size & 0x7F | 0x80, size >> 7)) if size > 127 else bytes((size,))) + raw

    info = b"\xff Go buildinf:\x08\x02" + bytes(16) + string(version.encode()) + string(framed)
    return executables.elf({".go.buildinfo": info})


@pytest.mark.parametrize(
    ("toolchain", "version"),
    [
        ("go1.22.1 X:boringcrypto", "1.22.1"),
        ("go1.20.10 (Red Hat 1.20.10-1.el9)", "1.20.10"),
        ("go1.21rc2", "1.21rc2"),
        ("devel go1.23-abcdef0 Tue", "1.23-abcdef0"),
    ],
)
def test_the_standard_librarys_version_has_no_suffix(toolchain: str, version: str) -> None:
    facts, _ = parsed(go.CATALOGER, "bin/x", go_binary(toolchain, ""))
    assert named(list(facts)) == {("stdlib", version)}


def test_a_commit_gives_a_pseudo_version() -> None:
    text = "path\texample.com/x\nmod\texample.com/x\t(devel)\t\n"
    text += "build\tvcs.revision=0123456789abcdef0123\nbuild\tvcs.time=2024-04-26T06:00:20Z\n"
    facts, _ = parsed(go.CATALOGER, "bin/x", go_binary("go1.22.1", text))
    assert ("example.com/x", "v0.0.0-20240426060020-0123456789ab") in named(list(facts))


def test_a_module_replaced_by_a_folder_keeps_its_name() -> None:
    text = "path\ta.b/x\nmod\ta.b/x\tv1.0.0\t\ndep\ta.b/y\tv1.2.0\n"
    text += "=>\t./local\t\t\ndep\ta.b/z\tv1.0.0\n=>\ta.b/fork\tv1.1.0\th1:x\n"
    facts, _ = parsed(go.CATALOGER, "bin/x", go_binary("go1.22.1", text))
    assert named(list(facts)) == {
        ("a.b/x", "v1.0.0"),
        ("a.b/y", "v1.2.0"),
        ("a.b/fork", "v1.1.0"),
        ("stdlib", "1.22.1"),
    }


def test_build_information_of_an_impossible_size_is_an_issue() -> None:
    info = b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\xff\xff\xff\xff\x7f"
    assert "bytes of build information" in parsed(go.CATALOGER, "bin/x", executables.elf({".go.buildinfo": info}))[1]


def test_a_crate_list_that_unpacks_to_too_much_is_an_issue() -> None:
    raw = zlib.compress(b" " * (32 << 20))
    assert "impossibly large" in parsed(rust.CATALOGER, "bin/x", executables.elf({".dep-v0": raw}))[1]


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("little", [True, False])
def test_sections_of_every_kind_of_elf_are_found(wide: bool, little: bool) -> None:
    found = parsed_executable(executables.elf({".dep-v0": b"content"}, wide=wide, little=little))
    assert found
    assert found.section(".dep-v0") == b"content"
    assert found.at(executables.BASE, 4) == b"\x7fELF"


def test_an_elf_file_that_claims_many_sections_costs_little() -> None:
    content = bytearray(executables.elf({".dep-v0": b"x"}))
    content[60:62] = struct.pack("<H", 0xFFFE)
    assert parsed(rust.CATALOGER, "bin/x", bytes(content))[0] == []


def test_every_rule_has_a_fixture_that_it_finds() -> None:
    found: set[str] = set()
    for root in sorted((PROJECT / "fixtures/catalogers/runtimes").glob("*/root")):
        found |= {package.name for package in scan(Image("fixture", root=root), [RUNTIMES]).packages}
    assert {rule.name for rule in RULES} - found == set()
    assert len({rule.name for rule in RULES}) >= 40


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}-{rule.kind}-{rule.files[:12]}")
def test_every_rule_is_well_formed(rule: object) -> None:
    found = next(r for r in RULES if r is rule)
    re.compile(found.files)
    assert b"(?P<version>" in found.pattern
    assert 0 < found.confidence < 1
    assert not found.cpe or re.fullmatch(r"[\w.+-]+:[\w.+\\/-]+", found.cpe)


def test_a_program_by_name_alone_is_not_believed() -> None:
    facts, _ = parsed(RUNTIMES, "usr/sbin/nginx", executables.elf({".rodata": b"no version here"}))
    assert facts == []
