from __future__ import annotations

import random
import sqlite3
import struct

import pytest

from sbomkit.catalogers import rpm
from tests.catalogers.rpm_support import INT32, STRINGS, Tags, fixture, package, parsed, shared, sqlite_database

DATABASES = {
    "sqlite": "sqlite/root/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "ndb": "ndb/root/usr/lib/sysimage/rpm/Packages.db",
    "bdb": "bdb/root/var/lib/rpm/Packages",
    "bdb-big-endian": "bdb-big-endian/root/var/lib/rpm/Packages",
}
DEMO = {
    "demo-base-0:1.2.3-4.fc40.noarch",
    "demo-base-libs-2:1.2.3-4.fc40.noarch",
    "demo-kernel-0:6.1-1.noarch",
    "demo-kernel-0:6.2-1.noarch",
    "demo-kernel-modules-0:6.1-1.noarch",
    "demo-kernel-modules-0:6.2-1.noarch",
    "demo-tool-0:0.9-1.module_f40+7.noarch",
}
every_database = pytest.mark.parametrize("kind", DATABASES)


def identities(content: bytes, path: str = "var/lib/rpm/Packages") -> list[str]:
    facts, reason = parsed(content, path)
    assert not reason
    return [fact.identity for fact in facts]


@every_database
def test_each_kind_by_any_name(kind: str) -> None:
    for path in rpm.DATABASES:
        if not path.endswith("-wal"):
            assert sorted(identities(fixture(DATABASES[kind]), path)) == sorted(DEMO)


def test_the_same_headers_give_the_same_facts() -> None:
    first, *others = (sorted(parsed(fixture(path))[0], key=lambda f: f.identity) for path in DATABASES.values())
    assert all(first == other for other in others)


@every_database
def test_cut_anywhere(kind: str) -> None:
    whole = fixture(DATABASES[kind])
    facts = parsed(whole)[0]
    for end in [*range(0, 600, 7), *range(600, len(whole), max(997, len(whole) // 150))]:
        found, reason = parsed(whole[:end])
        assert reason, f"cut at {end} of {len(whole)}"
        assert set(found) <= set(facts)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["sle15-bci.Packages.db", "cbl-mariner-2.0.rpmdb.sqlite"])
def test_half_a_database_gives_what_is_whole(name: str) -> None:
    whole = shared("rpmdb/" + name)
    found, reason = parsed(whole[: len(whole) // 2])
    assert "cut short" in reason
    assert len(found) >= len(parsed(whole)[0]) // 5
    assert set(found) <= set(parsed(whole)[0])


@every_database
def test_changed_bytes_never_raise_anything_else(kind: str) -> None:
    whole = fixture(DATABASES[kind])
    chance = random.Random(7)
    for _ in range(400):
        changed = bytearray(whole)
        for _ in range(chance.choice([1, 1, 3, 20])):
            at = chance.choice([chance.randrange(len(whole)), chance.randrange(min(4096, len(whole)))])
            changed[at] = chance.choice([0, 255, chance.randrange(256), changed[at] ^ 1 << chance.randrange(8)])
        found, _ = parsed(bytes(changed))
        assert len(found) <= len(DEMO) + 8


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"RpmP", b"SQLite format 3\0", b"x" * 5000, bytes(5000), b"\0" * 12 + b"\x61\x15\x06\0"]
)
def test_what_is_no_database(content: bytes) -> None:
    found, reason = parsed(content)
    assert not found
    assert reason


def test_a_write_ahead_log_that_holds_something_is_told() -> None:
    path = "var/lib/rpm/rpmdb.sqlite-wal"
    assert parsed(b"", path) == ([], "")
    found, reason = parsed(b"\x37\x7f\x06\x83" + bytes(5000), path)
    assert not found
    assert "not yet in the database" in reason


class TestSqlite:
    @pytest.mark.parametrize(
        "pragmas",
        [
            (),
            ("page_size=512",),
            ("page_size=65536",),
            ("encoding='UTF-16le'",),
            ("encoding='UTF-16be'", "page_size=1024"),
            ("auto_vacuum=FULL",),
        ],
    )
    def test_layouts(self, pragmas: tuple[str, ...]) -> None:
        more: list[Tags] = [{}, {1004: (6, "s" * 900)}, {1049: (STRINGS, [f"need{n}" for n in range(3000)])}]
        blobs = [package(f"p{n:04}", more[n % 3 if n % 50 == 2 else n % 2]) for n in range(1500)]
        assert identities(sqlite_database(blobs, *pragmas)) == [f"p{n:04}-0:1.0-2." for n in range(1500)]

    def test_lengths_around_every_threshold(self) -> None:
        blobs = [package("p", {1004: (6, "s" * size)}) for size in range(300, 5200, 3)]
        facts, reason = parsed(sqlite_database(blobs, "page_size=1024"))
        assert not reason
        assert [len(fact.summary) for fact in facts] == list(range(300, 5200, 3))

    def test_deleted_rows_stay_deleted(self) -> None:
        with sqlite3.connect(":memory:") as database:
            database.deserialize(sqlite_database(package(f"p{n}", {1004: (6, "s" * 3000)}) for n in range(300)))
            database.execute("DELETE FROM Packages WHERE hnum % 3 = 0")
            database.commit()
            content = database.serialize()
        assert len(identities(content)) == 200

    def test_no_table(self) -> None:
        with sqlite3.connect(":memory:") as database:
            database.execute("CREATE TABLE other (x)")
            content = database.serialize()
        found, reason = parsed(content)
        assert not found
        assert "without a table Packages" in reason

    def test_a_view_of_that_name_is_no_table(self) -> None:
        with sqlite3.connect(":memory:") as database:
            database.execute("CREATE TABLE other (x)")
            database.execute("CREATE VIEW Packages AS SELECT x'00' FROM other")
            content = database.serialize()
        assert "without a table Packages" in parsed(content)[1]

    def test_cycles_and_shared_pages_end(self) -> None:
        content = bytearray(sqlite_database([package(f"p{n}", {1004: (6, "s" * 9000)}) for n in range(40)]))
        for page in range(1, len(content) // 4096):
            at = page * 4096
            if content[at] not in (5, 13):  # an overflow page: let it lead to itself
                struct.pack_into(">I", content, at, page + 1)
        found, reason = parsed(bytes(content))
        assert not found
        assert "used twice" in reason

    @pytest.mark.parametrize("number", [0, 1, 0x7FFFFFFF, 0xFFFFFFFF])
    def test_an_overflow_page_that_is_not_there(self, number: int) -> None:
        content = bytearray(sqlite_database([package("p", {1004: (6, "s" * 9000)})]))
        first = next(at for at in range(4096, len(content), 4096) if content[at] == 0 and any(content[at : at + 4]))
        struct.pack_into(">I", content, first, number)
        found, reason = parsed(bytes(content))
        assert not found
        assert f"page {number} is" in reason

    def test_a_tree_of_pages_that_point_at_each_other(self) -> None:
        pages = 2000
        content = bytearray(sqlite_database([package()]))
        content += bytes(4096 * pages)
        struct.pack_into(">I", content, 28, len(content) // 4096)
        for page in range(1, len(content) // 4096):
            at = page * 4096
            content[at : at + 12] = struct.pack(">BHHHBI", 5, 0, 500, 0, 0, 2)
            for cell in range(500):
                struct.pack_into(">H", content, at + 12 + 2 * cell, 1100 + 4 * cell)
                struct.pack_into(">I", content, at + 1100 + 4 * cell, (page * 7 + cell) % pages + 1)
        found, reason = parsed(bytes(content))  # would not end if pages could be used again
        assert not found
        assert "more children than there are pages" in reason

    def test_the_same_cell_a_thousand_times(self) -> None:
        content = bytearray(sqlite_database([package("p", {1004: (6, "s" * 2000)})]))
        root = next(at for at in range(4096, len(content), 4096) if content[at] == 13 and content[at + 4] == 1)
        pointer = content[root + 8 : root + 10]
        content[root + 3 : root + 5] = struct.pack(">H", 900)
        content[root + 8 : root + 8 + 1800] = pointer * 900
        found, reason = parsed(bytes(content))
        assert len(found) <= 2
        assert "outside its bounds" in reason


class TestNdb:
    def slot(self, content: bytearray, number: int) -> tuple[int, int, int]:
        _, index, offset, blocks = struct.unpack_from("<4sIII", content, 32 + 16 * number)
        return index, offset, blocks

    def test_a_slot_twice(self) -> None:
        content = bytearray(fixture(DATABASES["ndb"]))
        content[32 + 16 * 10 : 32 + 16 * 11] = content[32 + 16 * 2 : 32 + 16 * 3]
        found, reason = parsed(bytes(content))
        assert {fact.identity for fact in found} == DEMO
        assert len(found) == len(DEMO)
        assert "overlaps" in reason

    @pytest.mark.parametrize(("field", "value"), [(4, 99), (8, 1), (8, 0xFFFFFFFF), (12, 0), (12, 0xFFFFFFFF), (0, 0)])
    def test_a_slot_that_lies_costs_one_package(self, field: int, value: int) -> None:
        content = bytearray(fixture(DATABASES["ndb"]))
        assert all(self.slot(content, 2))
        struct.pack_into("<I", content, 32 + 16 * 2 + field, value)
        found, reason = parsed(bytes(content))
        assert len(found) == len(DEMO) - 1
        assert reason

    def test_a_wrong_checksum_is_told_and_hides_nothing(self) -> None:
        content = bytearray(fixture(DATABASES["ndb"]))
        _, offset, blocks = self.slot(content, 2)
        content[(offset + blocks) * 16 - 12] ^= 1
        found, reason = parsed(bytes(content))
        assert {fact.identity for fact in found} == DEMO
        assert "checksum" in reason

    def test_more_slot_pages_than_file(self) -> None:
        content = bytearray(fixture(DATABASES["ndb"]))
        struct.pack_into("<I", content, 12, 0xFFFFFFFF)
        assert parsed(bytes(content))[1]

    def test_another_version(self) -> None:
        content = bytearray(fixture(DATABASES["ndb"]))
        content[4] = 1
        assert "unknown version" in parsed(bytes(content))[1]


class TestBerkeley:
    def test_an_overflow_chain_that_bites_its_tail(self) -> None:
        content = bytearray(fixture(DATABASES["bdb"]))
        broken = 0
        for at in range(4096, len(content), 4096):
            if content[at + 25] == 7:
                struct.pack_into("<I", content, at + 16, at // 4096)
                broken += 1
        assert broken > 1
        found, reason = parsed(bytes(content))
        assert "broken" in reason
        assert set(found) <= set(parsed(fixture(DATABASES["bdb"]))[0])

    @pytest.mark.parametrize(
        ("at", "value", "reason"),
        [(16, 7, "version 7"), (20, 3000, "pages of 3000"), (20, 1 << 30, "pages of"), (24, 1, "encrypted")],
    )
    def test_a_meta_page_that_is_not_ours(self, at: int, value: int, reason: str) -> None:
        content = bytearray(fixture(DATABASES["bdb"]))
        struct.pack_into("<I" if at != 24 else "<B", content, at, value)
        found, told = parsed(bytes(content))
        assert not found
        assert reason in told

    def test_giant_counts(self) -> None:
        for at in range(4096, len(fixture(DATABASES["bdb"])), 4096):
            content = bytearray(fixture(DATABASES["bdb"]))
            struct.pack_into("<H", content, at + 20, 0xFFFF)
            found, _ = parsed(bytes(content))
            assert len(found) <= len(DEMO)


@pytest.mark.shared
class TestShared:
    def test_ndb(self) -> None:
        facts, reason = parsed(shared("rpmdb/sle15-bci.Packages.db"))
        assert not reason
        assert len({fact.identity for fact in facts}) == len(facts) == 35
        assert "glibc-0:2.31-9.3.2.x86_64" in {fact.identity for fact in facts}

    def test_sqlite(self) -> None:
        facts, reason = parsed(shared("rpmdb/cbl-mariner-2.0.rpmdb.sqlite"))
        assert not reason
        assert len({fact.identity for fact in facts}) == len(facts) == 129
        assert sum(len(fact.files.names) for fact in facts) == 7269  # rpm -qal
        assert {fact.name: fact.epoch for fact in facts if fact.epoch} == {
            "ca-certificates-base": 1,
            "ca-certificates-shared": 1,
            "ca-certificates-tools": 1,
        }

    def test_berkeley(self) -> None:
        (fact,), reason = parsed(shared("rpmdb/libuuid-berkeleydb.Packages"))
        assert not reason
        assert fact.identity == "libuuid-0:2.32.1-42.el8_8.x86_64"
        digests = {file.path: file.digest for file in fact.files.files() if file.digest}
        assert fact.files.algorithm == "sha256"
        assert all(len(digest) == 64 for digest in digests.values())
        assert "/usr/lib64/libuuid.so.1.3.0" in digests


def test_too_many_packages_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpm, "MAX_PACKAGES", 10)
    found, reason = parsed(sqlite_database(package(f"p{n}", {1003: (INT32, [n])}) for n in range(30)))
    assert len(found) == 10
    assert "more than 10 packages" in reason


def test_endless_damage_ends() -> None:
    found, reason = parsed(sqlite_database(b"no header" for _ in range(20_000)))
    assert not found
    assert "damaged all over" in reason
