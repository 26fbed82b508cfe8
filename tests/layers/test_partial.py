"""Layers read by their table of contents: less is read, the same is learned, and lies are found out."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
import zstandard

from sbomkit.catalogers.base import Cataloger
from sbomkit.catalogers.dpkg import CATALOGER
from sbomkit.errors import CannotCheck
from sbomkit.image.image import Image
from sbomkit.image.registry import open_registry
from sbomkit.layers.cache import RecordCache
from sbomkit.layers.select import Fact, LayerFile, Selector
from sbomkit.layers.toc import CHUNKED_DIGEST, CHUNKED_PLACE, ESTARGZ
from sbomkit.model.inventory import Inventory
from sbomkit.model.package import Package
from sbomkit.oci.reference import Reference
from sbomkit.scan.scan import scan
from tests.conftest import PROJECT
from tests.registry_service.access import access_to
from tests.registry_service.faults import Fault
from tests.registry_service.images import MANIFEST
from tests.registry_service.server import Registry, put_blob, serving
from tests.registry_service.store import digest_of

FOLDER = PROJECT / "fixtures" / "layers" / "partial"
FILES = {"estargz": "estargz.tar.gz", "zstd_chunked": "zstd_chunked.tar.zst"}
KINDS = list(FILES)
NOISE = hashlib.sha256(b"0").digest()[:4]
"""What the program in the layers begins with, and a larger file that is no program."""


def uncompressed(kind: str, raw: bytes) -> bytes:
    if kind == "estargz":
        return gzip.decompress(raw)
    return zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read()


def put(registry: Registry, kind: str, raw: bytes, notes: dict[str, str], diff_id: str) -> None:
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [diff_id]}}).encode()
    layer = {"mediaType": "application/octet-stream", "digest": put_blob(registry, "app", raw), "size": len(raw)}
    described = {"mediaType": "x/y", "digest": put_blob(registry, "app", config), "size": len(config)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described,
        "layers": [{**layer, "annotations": notes}],
    }
    registry.store.put_manifest("app", kind, MANIFEST, json.dumps(manifest).encode())


def fixture(kind: str) -> tuple[bytes, dict[str, str], str]:
    """(blob, annotations, diffID)"""
    raw = (FOLDER / FILES[kind]).read_bytes()
    notes = json.loads((FOLDER / f"{kind}.json").read_bytes())
    return raw, notes, notes.pop("diff_id", "") or digest_of(uncompressed(kind, raw))


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as found:
        for kind in KINDS:
            put(found, kind, *fixture(kind))
        yield found


def opened(registry: Registry, kind: str) -> Image:
    return open_registry(Reference.parse(f"{registry.host}/app:{kind}"), None, access_to(registry))


def scanned(registry: Registry, kind: str, *more: Cataloger, full: bool = False) -> tuple[Inventory, int]:
    """The inventory, and the bytes of the layer that it cost."""
    image = opened(registry, kind)
    layer = image.layers[0].descriptor
    assert layer is not None
    before = registry.bytes_of(str(layer.digest))
    found = scan(image, [CATALOGER, *more], full=full)
    return found, registry.bytes_of(str(layer.digest)) - before


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_packages_for_a_fifth_of_the_bytes(registry: Registry, kind: str) -> None:
    part, cost = scanned(registry, kind)
    whole, all_of_it = scanned(registry, kind, full=True)
    assert part.packages == whole.packages
    assert len(part.packages) == 50
    assert part.distro == whole.distro
    assert cost < all_of_it / 5
    assert all_of_it == len((FOLDER / FILES[kind]).read_bytes())


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_not_verified_and_what_was_saved_is_said(registry: Registry, kind: str) -> None:
    part, cost = scanned(registry, kind)
    (issue,) = part.issues
    assert f"{cost} of {len((FOLDER / FILES[kind]).read_bytes())} bytes" in issue.reason
    assert "not verified" in issue.reason
    assert issue.layer == part.subject.layers[0].diff_id
    assert part.coverage.status == "partial"
    assert scanned(registry, kind, full=True)[0].issues == ()


def learn_all(file: LayerFile) -> Iterator[Fact]:
    yield Package(f"pkg:generic/{digest_of(file.read())[7:]}", "generic", file.path, str(file.size))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "selector",
    [
        Selector(("usr/bin/*", "etc/*")), Selector(("usr/share/zeros",)), Selector(("usr/share/empty", "nothing")),
        Selector(magics=(NOISE,)), Selector(("etc/*",), magics=(NOISE,), min_size=50),
    ],
    ids=["several", "zeros", "empty", "magic", "magic and size"],
)  # fmt: skip
def test_every_way_of_selecting_gives_the_same(registry: Registry, kind: str, selector: Selector) -> None:
    everything = Cataloger("all", 1, selector, learn_all)
    part, cost = scanned(registry, kind, everything)
    whole, all_of_it = scanned(registry, kind, everything, full=True)
    data = {p.purl for p in whole.packages if p.name == "usr/share/noise"}
    assert {p.purl for p in part.packages} == {p.purl for p in whole.packages} - data
    assert bool(data) == bool(selector.magics)
    assert len(part.packages) > 50
    assert cost < all_of_it / 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_that_reads_most_of_it_reads_all_of_it(registry: Registry, kind: str) -> None:
    everything = Cataloger("all", 1, Selector(("usr/share/noise",)), learn_all)
    part, _ = scanned(registry, kind, everything)
    assert part.issues == ()
    assert part == scanned(registry, kind, everything, full=True)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_registry_without_ranges_gives_it_whole(registry: Registry, kind: str) -> None:
    registry.behaviour.ranges = False
    part, _ = scanned(registry, kind)
    assert part == scanned(registry, kind, full=True)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_ranges_survive_a_bad_line(registry: Registry, kind: str) -> None:
    registry.faults += [Fault("GET .*/blobs/", action, times=2, after=10) for action in ("cut", "drop", "status")]
    assert len(scanned(registry, kind)[0].packages) == 50


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_learned_by_a_table_is_kept_under_the_table(registry: Registry, kind: str, tmp_path: Path) -> None:
    cache = RecordCache(tmp_path)
    first = scan(opened(registry, kind), [CATALOGER], cache=cache)
    before = registry.count("GET", "/blobs/")
    assert scan(opened(registry, kind), [CATALOGER], cache=cache) == first
    assert registry.count("GET", "/blobs/") == before + 1  # the config
    whole = scan(opened(registry, kind), [CATALOGER], cache=cache, full=True)
    assert whole.issues == ()
    assert scan(opened(registry, kind), [CATALOGER], cache=cache) == whole


class TestLies:
    """A table that is not what it says is found out, and the layer read whole."""

    def retabled(self, registry: Registry, change: Callable[[dict[str, list[dict[str, object]]]], None]) -> None:
        """An image whose table was changed, its digest told honestly."""
        raw, notes, diff_id = fixture("zstd_chunked")
        at, length, _, _ = map(int, notes[CHUNKED_PLACE].split(":"))
        table = json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(raw[at : at + length]))
        change(table)
        content = json.dumps(table).encode()
        stored = zstandard.ZstdCompressor().compress(content)
        frame = b"\x50\x2a\x4d\x18" + len(stored).to_bytes(4, "little") + stored
        notes = {CHUNKED_DIGEST: digest_of(stored), CHUNKED_PLACE: f"{len(raw) + 8}:{len(stored)}:{len(content)}:1"}
        put(registry, "lie", raw + frame, notes, diff_id)

    def check(self, registry: Registry, kind: str = "lie") -> None:
        found, _ = scanned(registry, kind)
        assert len(found.packages) == 50
        assert any(re.search("table of contents is wrong", issue.reason) for issue in found.issues)

    @pytest.mark.parametrize(
        "fields",
        [
            {"digest": digest_of(b"other")}, {"digest": "md5:" + "a" * 32}, {"digest": None}, {"size": 10},
            {"size": -1}, {"size": "x"}, {"offset": -5}, {"offset": 1 << 62}, {"endOffset": 1 << 62}, {"offset": "1"},
            {"endOffset": 1}, {"name": None, "offset": 10**30}, {"mode": "x"},
            {"xattrs": {"security.capability": "%"}},
        ],
    )  # fmt: skip
    def test_an_entry_that_lies(self, registry: Registry, fields: dict[str, object]) -> None:
        def change(table: dict[str, list[dict[str, object]]]) -> None:
            entry = next(e for e in table["entries"] if e["name"] == "var/lib/dpkg/status")
            entry.update(fields)

        self.retabled(registry, change)
        self.check(registry)

    @pytest.mark.parametrize("value", [3, None, [3], [{}], [{"type": "reg"}], [[]], "x"])
    def test_entries_that_are_none(self, registry: Registry, value: object) -> None:
        self.retabled(registry, lambda table: table.update(entries=cast(list[dict[str, object]], value)))
        self.check(registry)

    @pytest.mark.parametrize(
        ("kind", "key", "value"),
        [
            ("estargz", ESTARGZ, digest_of(b"x")), ("estargz", ESTARGZ, "nonsense"),
            ("estargz", ESTARGZ, "md5:" + "0" * 32),
            ("zstd_chunked", CHUNKED_DIGEST, digest_of(b"x")), ("zstd_chunked", CHUNKED_PLACE, "1:2:3:1"),
            ("zstd_chunked", CHUNKED_PLACE, "99999999:1:1:1"), ("zstd_chunked", CHUNKED_PLACE, "x"),
            ("zstd_chunked", CHUNKED_PLACE, "1:1:99999999999:1"),
        ],
    )  # fmt: skip
    def test_annotations_that_lie(self, registry: Registry, kind: str, key: str, value: str) -> None:
        raw, notes, diff_id = fixture(kind)
        put(registry, "lie", raw, {**notes, key: value}, diff_id)
        self.check(registry)

    def test_a_footer_that_lies(self, registry: Registry) -> None:
        raw, notes, diff_id = fixture("estargz")
        put(registry, "lie", raw[:-30] + b"f" * 10 + raw[-20:], notes, diff_id)
        self.check(registry)

    def test_a_file_that_claims_to_be_too_large_is_an_issue(self, registry: Registry) -> None:
        def change(table: dict[str, list[dict[str, object]]]) -> None:
            next(e for e in table["entries"] if e["name"] == "var/lib/dpkg/status")["size"] = 1 << 40

        self.retabled(registry, change)
        found, _ = scanned(registry, "lie")
        assert any("larger than" in issue.reason and issue.cataloger == "dpkg" for issue in found.issues)

    @pytest.mark.parametrize("seed", range(30))
    def test_any_damage_is_found_out_or_was_not_read(self, registry: Registry, seed: int) -> None:
        dice = random.Random(seed)
        kind = dice.choice(KINDS)
        raw, notes, diff_id = fixture(kind)
        harmed = bytearray(raw)
        for _ in range(dice.choice((1, 200))):
            harmed[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
        put(registry, "lie", bytes(harmed), notes, diff_id)
        try:
            found, _ = scanned(registry, "lie")
        except CannotCheck:
            return
        assert found.packages == scanned(registry, kind)[0].packages
