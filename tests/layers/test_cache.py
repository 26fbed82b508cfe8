from __future__ import annotations

import hashlib
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbomkit.catalogers import all_catalogers
from sbomkit.catalogers.dpkg import CATALOGER, FileList, Stanza
from sbomkit.image.registry import open_registry
from sbomkit.layers.cache import RecordCache, default_directory, fingerprint
from sbomkit.layers.codec import NotStorable, decode, encode
from sbomkit.layers.record import FILE, Entry, Facts, LayerRecord
from sbomkit.layers.select import Fact, Parser, Selector
from sbomkit.model.digest import Digest
from sbomkit.model.inventory import Inventory, Issue
from sbomkit.model.package import Location, Package
from sbomkit.oci.reference import Reference
from sbomkit.scan.scan import scan
from tests.registry_service.access import access_to
from tests.registry_service.images import debian_layer, put_image
from tests.registry_service.server import Registry, serving

DIFF_ID = Digest.of(b"layer")
PACKAGE = Package("pkg:x/y@1", "x", "y", "1", locations=(Location("/a"),), hashes=(DIFF_ID,), extra=(("k", "v"),))


def record(*facts: object, diff_id: str = str(DIFF_ID)) -> LayerRecord:
    learned: dict[str, Facts] = {"a": {"one": cast(tuple[Fact, ...], facts), "two": ()}}
    entries = (Entry("a", FILE, 0o644, 0, 0, 3, "", "00ff"), Entry("b\\xff", "l", 0o777, 1, 2, 0, "../a"))
    return LayerRecord(diff_id, entries, ("gone",), ("dir",), learned, (Issue("/a", "r", diff_id, "c"),))


@pytest.mark.parametrize(
    "fact",
    [
        PACKAGE, Stanza("a", "1", "amd64", True, (("k", "v"), ("x", ""))), FileList("a", "", ("/x", "/y")),
        "text", 3, True, None, 1.5, b"\x00\xff", (), ((),), ("a", ("b", 2)), frozenset({"b", "a"}), {"k": (1, "x")},
    ],
)  # fmt: skip
def test_facts_come_back_as_they_were(fact: object) -> None:
    again = decode(encode(record(fact)))
    assert again == record(fact)
    assert repr(again) == repr(record(fact))


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | st.binary() | st.floats(-1e9, 1e9),
    lambda inner: st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(plain)
def test_any_plain_value_comes_back_as_it_was(value: object) -> None:
    assert decode(encode(record(value))) == record(value)


@dataclass(frozen=True)
class Foreign:
    x: int


@pytest.mark.parametrize("fact", [Foreign(1), object(), [1], {1}, 2**70, "\ud800", float("nan"), float("inf"), print])
def test_what_is_not_plain_is_not_stored(fact: object) -> None:
    with pytest.raises(NotStorable):
        encode(record(fact))


@pytest.mark.parametrize(
    "types",
    [
        [["os:system", []]], [["sbomkit.model.digest:Digest", ["hex"]]], [["sbomkit.nothing:X", []]],
        [["sbomkit.layers.codec:encode", []]], [["sbomkit.errors:SbomkitError", []]], [["subprocess:Popen", ["args"]]],
        [["sbomkit.layers.codec:re.compile", []]], 3, [3], [[]],
    ],
)  # fmt: skip
def test_only_this_packages_dataclasses_are_made(types: object) -> None:
    value = orjson.loads(encode(record()))
    value["types"] = types
    with pytest.raises(NotStorable):
        decode(orjson.dumps(value))


@settings(max_examples=200)
@given(st.data())
def test_any_change_of_the_bytes_is_a_record_or_an_error(data: st.DataObject) -> None:
    raw = bytearray(encode(record(PACKAGE, "x", b"y")))
    for _ in range(3):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        again = decode(bytes(raw))
    except NotStorable:
        return
    assert isinstance(again, LayerRecord)


class TestCache:
    @pytest.fixture
    def said(self) -> list[str]:
        return []

    @pytest.fixture
    def cache(self, tmp_path: Path, said: list[str]) -> RecordCache:
        return RecordCache(tmp_path / "layers", say=said.append)

    def test_what_is_put_is_got(self, cache: RecordCache) -> None:
        assert cache.get(DIFF_ID, "p") is None
        cache.put(DIFF_ID, "p", record(PACKAGE))
        assert cache.get(DIFF_ID, "p") == record(PACKAGE)
        assert cache.get(DIFF_ID, "q") is None
        assert cache.get(Digest.of(b"other"), "p") is None

    def files(self, cache: RecordCache) -> list[Path]:
        return sorted(cache.directory.glob("??/*"))

    @pytest.mark.parametrize("harm", ["flip", "cut", "empty", "other", "bomb"])
    def test_a_damaged_entry_is_dropped_and_said(self, cache: RecordCache, said: list[str], harm: str) -> None:
        cache.put(DIFF_ID, "p", record(PACKAGE))
        (path,) = self.files(cache)
        raw = path.read_bytes()
        if harm == "other":
            cache.put(Digest.of(b"other"), "p", record(PACKAGE, diff_id=str(Digest.of(b"other"))))
            raw = next(p for p in self.files(cache) if p != path).read_bytes()
        elif harm == "bomb":
            packed = b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8
            raw = raw[:23] + hashlib.sha256(packed).digest() + packed
        else:
            raw = {"flip": raw[:-1] + bytes((raw[-1] ^ 1,)), "cut": raw[:-5], "empty": b""}[harm]
        path.write_bytes(raw)
        assert cache.get(DIFF_ID, "p") is None
        assert len(said) == 1
        assert "damaged" in said[0]
        assert not path.exists()

    def test_what_was_used_longest_ago_goes_first(self, cache: RecordCache) -> None:
        for at in range(4):
            digest = Digest.of(bytes((at,)))
            cache.put(digest, "p", record(diff_id=str(digest)))
            os.utime(max(self.files(cache), key=lambda p: p.stat().st_mtime), (at, at))
        one = cache.info().size // 4
        assert cache.get(Digest.of(b"\x00"), "p") is not None
        assert cache.prune(2 * one + 8) == 2
        left = [at for at in range(4) if cache.get(Digest.of(bytes((at,))), "p")]
        assert left == [0, 3]

    def test_it_stays_within_its_limit(self, tmp_path: Path) -> None:
        cache = RecordCache(tmp_path, limit=5_000)
        for at in range(100):
            digest = Digest.of(bytes((at,)))
            cache.put(digest, "p", record(digest.hex * 5, diff_id=str(digest)))
        assert 0 < cache.info().size <= 5_000

    def test_clear_and_leftovers_of_the_killed(self, cache: RecordCache) -> None:
        cache.put(DIFF_ID, "p", record())
        old, new = (self.files(cache)[0].with_name(name) for name in ("old.partial", "new.partial"))
        for path in (old, new):
            path.write_bytes(b"half")
        os.utime(old, (time.time() - 7200,) * 2)
        assert cache.clear() == 1
        assert (old.exists(), new.exists()) == (False, True)

    def test_a_disk_that_cannot_be_written_is_said_once(self, tmp_path: Path, said: list[str]) -> None:
        (tmp_path / "file").write_bytes(b"")
        cache = RecordCache(tmp_path / "file" / "below", say=said.append)
        cache.put(DIFF_ID, "p", record())
        cache.put(DIFF_ID, "p", record())
        assert len(said) == 1
        assert cache.get(DIFF_ID, "p") is None
        assert cache.info().entries == 0


def test_the_fingerprint_knows_versions_and_selectors() -> None:
    def of(name: str = "a", version: int = 1, glob: str = "x") -> str:
        return fingerprint([Parser(name, version, Selector((glob,)), lambda file: ())])

    assert of() == of()
    assert len({of(), of("b"), of(version=2), of(glob="y")}) == 4


def test_the_fingerprint_is_the_same_in_any_order_and_process() -> None:
    catalogers = all_catalogers()
    assert fingerprint(catalogers) == fingerprint(catalogers[::-1])
    with ProcessPoolExecutor(1) as pool:
        assert pool.submit(fingerprint_here).result() == fingerprint(catalogers)


def fingerprint_here() -> str:
    return fingerprint(all_catalogers())


def test_where_it_is(tmp_path: Path) -> None:
    assert default_directory({"SBOMKIT_CACHE_DIR": "/c"}) == Path("/c/layers")
    assert default_directory({"XDG_CACHE_HOME": "/x"}) == Path("/x/sbomkit/layers")
    assert default_directory({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache/sbomkit/layers"


BASE = debian_layer("base=1", padding=50_000)
OLD, NEW = debian_layer("base=1", "app=1"), debian_layer("base=1", "app=2")


def scanned(origin: str, tag: str, directory: Path | None) -> Inventory:
    registry = Registry(origin=origin)
    image = open_registry(Reference.parse(f"{registry.host}/app:{tag}"), None, access_to(registry))
    return scan(image, [CATALOGER], name="app", cache=RecordCache(directory) if directory else None)


def test_the_second_image_costs_its_own_layers_only(tmp_path: Path) -> None:
    with serving() as registry:
        put_image(registry, "app", "1", [BASE, OLD])
        put_image(registry, "app", "2", [BASE, NEW])
        without = [scanned(registry.origin, tag, None) for tag in ("1", "2")]
        assert scanned(registry.origin, "1", tmp_path) == without[0]
        before = len(registry.seen)
        assert scanned(registry.origin, "2", tmp_path) == without[1]
        own = open_registry(Reference.parse(f"{registry.host}/app:2"), None, access_to(registry))
        config, layer = own.image_id, own.layers[1].descriptor
        assert layer is not None
        later = [s.path for s in registry.seen[before:] if "/blobs/" in s.path]
        assert sorted(p.rpartition("/")[2] for p in later[:2]) == sorted([str(config), str(layer.digest)])
        before = len(registry.seen)
        assert repr(scanned(registry.origin, "2", tmp_path)) == repr(without[1])
        assert sum("/blobs/" in s.path for s in registry.seen[before:]) == 1  # the config


def test_a_damaged_cache_changes_nothing_in_the_inventory(tmp_path: Path) -> None:
    with serving() as registry:
        put_image(registry, "app", "1", [BASE, OLD])
        first = scanned(registry.origin, "1", tmp_path)
        for path in tmp_path.glob("??/*"):
            path.write_bytes(path.read_bytes()[:-3])
        assert scanned(registry.origin, "1", tmp_path) == first


def test_eight_processes_at_once_on_a_cold_cache_agree(tmp_path: Path) -> None:
    with serving() as registry:
        put_image(registry, "app", "1", [BASE, OLD])
        alone = scanned(registry.origin, "1", None)
        with ProcessPoolExecutor(8) as pool:
            found = list(pool.map(scanned, [registry.origin] * 8, ["1"] * 8, [tmp_path] * 8))
    assert {repr(each) for each in found} == {repr(alone)}
    assert not list(tmp_path.glob("??/*.partial"))
