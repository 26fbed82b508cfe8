from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbomkit.catalogers.rpm.damage import Damage
from sbomkit.catalogers.rpm.header import MAX_ITEMS, Header, HeaderError
from sbomkit.catalogers.rpm.installed import CONFIG, GHOST, Budget, Installed, read_installed
from tests.catalogers.rpm_support import (
    BINARY,
    I18N,
    INT8,
    INT16,
    INT32,
    STRING,
    STRINGS,
    Tags,
    fixture,
    header,
    package,
    parsed,
)

FILES: Tags = {
    1117: (STRINGS, ["tool", "tool.conf", "log", "tool", "README"]),
    1118: (STRINGS, ["/usr/bin/", "/etc/", "/var/log/", "/usr/share/"]),
    1116: (INT32, [0, 1, 2, 3, 3]),
    1030: (INT16, [0o104755, 0o100644, 0o100644, 0o040755, 0o100644]),
    1037: (INT32, [0, CONFIG, GHOST, 0, 2]),
    1035: (STRINGS, ["aa" * 32, "bb" * 32, "", "", "cc" * 32]),
    5011: (INT32, [8]),
    1029: (INT8, [0, 0, 0, 0, 2]),
}


def read(blob: bytes) -> tuple[Installed | None, str]:
    damage = Damage()
    return read_installed(blob, damage, Budget()), str(damage)


def read_well(blob: bytes) -> Installed:
    found, damage = read(blob)
    assert not damage
    assert found is not None
    return found


def test_every_field_of_a_package() -> None:
    found = read_well(
        package(
            more={
                1003: (INT32, [3]),
                1022: (STRING, "x86_64"),
                1044: (STRING, "demo-1.0-2.src.rpm"),
                1014: (STRING, "MIT"),
                1011: (STRING, "House"),
                1015: (STRING, "(none)"),
                1020: (STRING, "https://example.org"),
                1004: (I18N, ["A demo", "Eine Demo"]),
                5096: (STRING, "m:s:1:c"),
                261: (BINARY, bytes(16)),
            }
        )
    )
    assert found.identity == "demo-3:1.0-2.x86_64"
    assert found.evr == "3:1.0-2"
    assert (found.source_rpm, found.license, found.vendor) == ("demo-1.0-2.src.rpm", "MIT", "House")
    assert (found.packager, found.url, found.summary) == ("", "https://example.org", "A demo")
    assert (found.modularity, found.sig_md5) == ("m:s:1:c", "00" * 16)


def test_file_list() -> None:
    found = read_well(package(more=FILES))
    files = {file.path: file for file in found.files.files()}
    assert files["/usr/bin/tool"].digest == "aa" * 32
    assert files["/usr/bin/tool"].mode == 0o104755
    assert files["/etc/tool.conf"].flags & CONFIG
    assert files["/var/log/log"].flags & GHOST
    assert [path for path, file in files.items() if not file.here] == ["/usr/share/README"]
    assert found.files.algorithm == "sha256"
    assert found.files.owned() == ("/etc/tool.conf", "/usr/bin/tool", "/var/log/log")


def test_digests_are_md5_where_nothing_else_is_said() -> None:
    files = {tag: value for tag, value in FILES.items() if tag != 5011}
    assert read_well(package(more=files)).files.algorithm == "md5"


def test_whole_paths_of_old_packages() -> None:
    found = read_well(package(more={1027: (STRINGS, ["/bin/a", "/etc/b", "/bin/c"])}))
    assert list(found.files.paths()) == ["/bin/a", "/etc/b", "/bin/c"]
    assert found.files.directories == ("/bin/", "/etc/")


def test_what_is_not_utf8() -> None:
    found = read_well(package(more={1004: (STRING, b"Gr\xfc\xdfe")}))
    assert found.summary == "Grüße"
    blob = package(more={1027: (STRINGS, ["/a/XY"])}).replace(b"XY", b"\xff\xfe")
    assert list(read_well(blob).files.paths()) == ["/a/\\xff\\xfe"]  # as the layer's tar reader writes them


def test_a_tag_added_after_the_build_wins() -> None:
    blob = bytearray(header({1000: (STRING, "old"), 9999: (STRING, "new"), 1001: (STRING, "1")}))
    struct.pack_into(">I", blob, 8 + 16, 1000)
    assert read_well(bytes(blob)).name == "new"


def test_public_keys_are_dropped_and_packages_of_that_name_are_not() -> None:
    assert read(package("gpg-pubkey")) == (None, "")
    found = read_well(package("gpg-pubkey", {1044: (STRING, "gpg-pubkey-1.0-2.src.rpm")}))
    assert found.name == "gpg-pubkey"


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({1001: (STRING, "1")}, "without name"),
        ({1000: (STRING, " "), 1001: (STRING, "1")}, "without name"),
        ({1000: (STRING, "a")}, "without name or version"),
        ({1000: (INT32, [1]), 1001: (STRING, "1")}, "not a string"),
    ],
)
def test_no_package_without_name_and_version(tags: Tags, reason: str) -> None:
    found, damage = read(header(tags))
    assert found is None
    assert reason in damage


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({1003: (STRING, "3")}, "not a number"),
        ({1014: (INT32, [1])}, "not a string"),
        ({261: (STRING, "x")}, "not binary"),
        ({**FILES, 1030: (INT16, [1])}, "1 values for 5 entries"),
        ({**FILES, 1116: (INT32, [0, 1, 2, 3, 4])}, "do not fit"),
        ({**FILES, 1116: (INT32, [0])}, "do not fit"),
        ({**FILES, 1118: (STRINGS, ["/" + "d" * 5000, "", "", ""])}, "beyond all measure"),
    ],
)
def test_a_bad_tag_costs_that_tag_only(more: Tags, reason: str) -> None:
    found, damage = read(package(more=more))
    assert found is not None
    assert found.identity == "demo-0:1.0-2."
    assert reason in damage


def test_a_directory_used_by_very_many_files_does_not_fill_the_memory() -> None:
    count = 100_000
    more: Tags = {
        1117: (STRINGS, [""] * count),
        1118: (STRINGS, ["/" + "d" * 4000]),
        1116: (INT32, [0] * count),
    }
    found, damage = read(package(more=more))
    assert found is not None
    assert found.files.names == ()
    assert "beyond all measure" in damage


def test_all_packages_of_a_database_share_one_budget() -> None:
    damage, budget = Damage(), Budget(12)
    first, second = (read_installed(package(more=FILES), damage, budget) for _ in range(2))
    third = read_installed(package(more=FILES), damage, budget)
    assert first is not None
    assert second == first
    assert third is not None
    assert third.files.names == ()
    assert "more files and dependencies" in str(damage)


def test_giant_counts() -> None:
    for tag, type in ((1117, STRINGS), (1116, INT32), (261, BINARY), (1049, STRINGS)):
        for count in (2, MAX_ITEMS, MAX_ITEMS + 1, 0xFFFFFFFF):
            blob = bytearray(package(more={tag: (type, b"x" if type == BINARY else [])}))
            struct.pack_into(">I", blob, 8 + 3 * 16 + 12, count)
            with pytest.raises(HeaderError, match=str(tag)):
                getattr(Header(bytes(blob)), {STRINGS: "texts", INT32: "numbers", BINARY: "binary"}[type])(tag)


def test_offsets_beyond_the_store() -> None:
    for offset in (0xFFFFFFFF, 1000):
        blob = bytearray(package())
        struct.pack_into(">I", blob, 8 + 8, offset)
        assert read(bytes(blob))[0] is None


def test_a_store_that_is_shared_by_overlapping_tags_is_still_read() -> None:
    blob = bytearray(package(more={1049: (STRINGS, ["a", "b", "c"]), 1004: (STRING, "s")}))
    _, _, offset, _ = struct.unpack_from(">IIII", blob, 8 + 3 * 16)
    struct.pack_into(">I", blob, 8 + 4 * 16 + 8, offset + 2)
    found = read_well(bytes(blob))
    assert [name for name, _ in found.requires] == ["a", "b", "c"]
    assert found.summary == "b"


def test_a_header_changed_behind_the_signer_s_back_is_told_and_kept() -> None:
    whole = fixture("ndb/root/usr/lib/sysimage/rpm/Packages.db")
    facts, reason = parsed(whole.replace(b"demo-tool\0000.9", b"demo-t00l\0000.9"))
    assert "demo-t00l" in {fact.name for fact in facts}
    assert "digest that it states" in reason
    assert "checksum of package" in reason


@given(st.binary(max_size=400))
def test_any_bytes(raw: bytes) -> None:
    found, damage = read(raw)
    assert damage if found is None else found.name


@given(st.integers(1, 40), st.integers(0, 1000), st.binary(min_size=0, max_size=1400))
def test_any_index(tags: int, size: int, raw: bytes) -> None:
    blob = struct.pack(">II", tags, size) + raw
    try:
        found = Header(blob)
    except HeaderError:
        assert tags * 16 + size > len(raw)
        return
    for tag in found._entries:
        for read_tag in (found.text, found.texts, found.numbers, found.binary):
            try:
                read_tag(tag)
            except HeaderError:
                continue


@given(st.data())
def test_a_changed_header_is_read_or_refused(data: st.DataObject) -> None:
    blob = bytearray(package(more={**FILES, 1047: (STRINGS, ["demo"]), 1049: (STRINGS, ["a", "b"])}))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(blob) - 1))
        blob[at] = data.draw(st.integers(0, 255))
    found, damage = read(bytes(blob[: data.draw(st.integers(0, len(blob)))]))
    if found is None:
        assert damage
    else:
        assert len(list(found.files.files())) == len(found.files.names)
