"""The scan: read the layers side by side, stack their records, let every cataloger assemble what is visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import orjson

from sbomkit.catalogers import all_catalogers
from sbomkit.catalogers.base import Cataloger, Finding, Ownership
from sbomkit.image.image import Image
from sbomkit.layers.cache import RecordStore
from sbomkit.layers.directory import read_directory
from sbomkit.layers.read import Progress
from sbomkit.layers.reader import LayerReader
from sbomkit.layers.record import LayerRecord
from sbomkit.layers.select import Matcher
from sbomkit.layers.tree import Tree
from sbomkit.layers.view import View
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Inventory, Issue, LayerInfo, Subject
from sbomkit.model.package import Package, Relationship
from sbomkit.model.secrets import redact
from sbomkit.scan.claims import renamed_ends, settled
from sbomkit.scan.coverage import coverage_of
from sbomkit.scan.distro import DISTRO_PARSER, distro_of
from sbomkit.scan.late import read_late
from sbomkit.scan.merge import merged, related
from sbomkit.scan.ownership import settle_ownership

WORKERS = 2
"""Layers read at a time; each has a hashing thread beside it."""


@dataclass(frozen=True, slots=True)
class Examined:
    """An image as a scan leaves it: the inventory, and what it was made from, for whoever asks further."""

    image: Image
    inventory: Inventory
    tree: Tree
    records: tuple[LayerRecord, ...]
    """Of its layers, bottom first; of a directory the only one."""
    ownership: tuple[Ownership, ...]
    reader: LayerReader


def scan(
    image: Image,
    catalogers: Sequence[Cataloger] | None = None,
    *,
    name: str = "",
    progress: Progress | None = None,
    cache: RecordStore | None = None,
    full: bool = False,
) -> Inventory:
    """The inventory of an image. Raises CannotCheck when its bytes are not what they should be.

    A layer whose record is in the `cache` is not opened; the inventory is the same with and without. A layer that
    has a table of contents is read by it where its place can give parts of it; that is an issue of the inventory,
    since the table is not proven to be complete. `full` reads such layers whole.
    """
    return examine(image, catalogers, name=name, progress=progress, cache=cache, full=full).inventory


def examine(
    image: Image,
    catalogers: Sequence[Cataloger] | None = None,
    *,
    name: str = "",
    progress: Progress | None = None,
    cache: RecordStore | None = None,
    full: bool = False,
) -> Examined:
    """As `scan`, with the tree of files and who owns them."""
    catalogers = all_catalogers() if catalogers is None else catalogers
    matcher = Matcher([DISTRO_PARSER, *catalogers])
    reader = LayerReader(matcher, cache=cache, full=full, progress=progress)
    records = _records(image, reader)
    tree = Tree()
    for index, record in enumerate(records):
        tree.apply(index, record)
    issues = [issue for record in records for issue in record.issues]
    issues += read_late(image, tree, matcher, reader)
    distro = distro_of(tree)
    diff_ids = [record.diff_id for record in records]
    findings = [
        finding for c in catalogers for finding in c.assemble(View(tree, diff_ids or [""], c.name, distro))
    ]  # fmt: skip
    issues += [f for f in findings if isinstance(f, Issue)]
    ownership = tuple(f for f in findings if isinstance(f, Ownership))
    inventory = _inventory(_subject(image, records, name), tree, distro, findings, issues)
    return Examined(image, inventory, tree, tuple(records), ownership, reader)


def _records(image: Image, reader: LayerReader) -> list[LayerRecord]:
    if image.root is not None:
        return [read_directory(image.root, reader.matcher)]
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="sbomkit-layer") as pool:
        # the largest first, so that it is not the last one standing
        order = sorted(range(len(image.layers)), key=lambda i: -_size(image, i))
        futures = {i: pool.submit(reader.record, image.layers[i]) for i in order}
        try:
            return [futures[i].result() for i in range(len(image.layers))]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _size(image: Image, index: int) -> int:
    descriptor = image.layers[index].descriptor
    return descriptor.size if descriptor else 0


def _inventory(
    subject: Subject, tree: Tree, distro: Distro, findings: Sequence[Finding], issues: Sequence[Issue]
) -> Inventory:
    order = {layer.diff_id: at for at, layer in enumerate(subject.layers)}
    found, renamed = settled(f for f in findings if isinstance(f, Package))
    packages = merged(found, order)
    relationships = renamed_ends((f for f in findings if isinstance(f, Relationship)), renamed)
    records = [f for f in findings if isinstance(f, Ownership)]
    packages, owned = settle_ownership(packages, records, tree)
    relationships += owned
    issues = sorted(set(issues))
    return Inventory(
        subject,
        tuple(packages.values()),
        related(relationships, packages),
        distro,
        coverage_of(packages.values(), distro, issues, tree),
        tuple(issues),
    )


def _subject(image: Image, records: Sequence[LayerRecord], name: str) -> Subject:
    if image.root is not None or image.config is None:
        layers = tuple(LayerInfo(record.diff_id) for record in records if record.diff_id)
        return Subject(name or image.name, "filesystem", layers=layers)
    return Subject(
        name or image.name,
        "container",
        digest=image.digest,
        media_type=image.media_type,
        image_id=image.image_id,
        platform=str(image.config.platform),
        created=image.config.created,
        layers=tuple(
            LayerInfo(
                record.diff_id,
                str(layer.descriptor.digest) if layer.descriptor else "",
                layer.descriptor.media_type if layer.descriptor else "",
                layer.descriptor.size if layer.descriptor else None,
                layer.created_by,
            )
            for layer, record in zip(image.layers, records, strict=True)
        ),
        config=_flat(image.config.config),
    )


def _flat(config: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The run-time config as sorted (key, JSON) pairs, labels one by one, without what looks secret."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        if key == "Labels" and isinstance(value, dict):
            flat.update({f"Label:{label}": _json(_shown(label, text)) for label, text in value.items()})
        elif key == "Env" and isinstance(value, list):
            flat[key] = _json([_variable(item) for item in value])
        elif value not in (None, "", [], {}, False):
            flat[key] = _json(value)
    return tuple(sorted(flat.items()))


def _variable(item: object) -> object:
    name, equals, value = item.partition("=") if isinstance(item, str) else ("", "", "")
    return f"{name}={_shown(name, value)}" if equals else item


def _shown(name: str, value: object) -> object:
    return redact(name, value)[0] if isinstance(value, str) else value


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
