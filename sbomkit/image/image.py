"""An image, whatever its source: its manifest, its config, its layers as streams."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from sbomkit.errors import CorruptInput, UsageError
from sbomkit.model.digest import Digest
from sbomkit.oci import manifest as oci
from sbomkit.oci.manifest import Descriptor, ImageConfig, Index, Manifest
from sbomkit.oci.platform import Platform, choose

_MAX_PLATFORMS = 1_000


class BlobStore(Protocol):
    """All that a new source of OCI images has to write."""

    @property
    def name(self) -> str:
        """The place, for messages: a path or a reference."""

    def roots(self) -> tuple[Descriptor, ...]:
        """The manifest or index that the source's name or tag means; several only where platforms tell them apart."""

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The raw bytes; whoever reads them verifies them. Raises CannotCheck when there is no such blob."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as a blob: what it should be, and how to read it. Nothing is verified yet."""

    open: Callable[[], BinaryIO]
    name: str
    """For messages."""
    diff_id: Digest | None = None
    """None where nobody promised one (a bare root filesystem tar)."""
    descriptor: Descriptor | None = None
    """None where the source does not store it as a blob of its own (docker archives)."""
    created_by: str = ""
    read_range: Callable[[int, int], bytes | None] | None = None
    """(start, length) of the blob, unverified, where its place can; it gives None where it turns out that it cannot."""


@runtime_checkable
class Ranged(Protocol):
    """What a BlobStore has besides, when parts of blobs can be had for less than the whole."""

    def read_range(self, descriptor: Descriptor, start: int, length: int) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Image:
    """What a scan needs. Either layers, or the directory of a root filesystem."""

    name: str
    """As a person would call it; the default name in documents."""
    layers: tuple[Layer, ...] = ()
    root: Path | None = None
    digest: Digest | None = None
    """Of the manifest's raw bytes; None where the source has none."""
    media_type: str = ""
    image_id: Digest | None = None
    config: ImageConfig | None = None
    remote: bool = False
    """Its layers come over a network: a record kept from an earlier reading is worth more than reading them again."""


def open_image(store: BlobStore, wanted: Platform | None, name: str) -> Image:
    """Follow the store's root to the manifest of one platform. Raises UsageError when there is no such platform."""
    chosen = wanted or Platform.default()
    roots = store.roots()
    descriptor = roots[0] if len(roots) == 1 else _pick(Index(roots), chosen, store.name)
    for _ in range(4):
        raw = read_blob(store, descriptor, oci.MAX_MANIFEST)
        parsed = oci.parse(raw, f"{store.name}: manifest {descriptor.digest}")
        if isinstance(parsed, Manifest):
            return _assembled(store, descriptor, parsed, wanted, name)
        descriptor = _pick(parsed, chosen, f"{store.name}: index {descriptor.digest}")
    raise CorruptInput(f"{store.name}: indexes within indexes, more than four deep")


def read_blob(store: BlobStore, descriptor: Descriptor, limit: int) -> bytes:
    """A small blob, verified. Raises CorruptInput."""
    what = f"{store.name}: blob {descriptor.digest}"
    if descriptor.size > limit:
        raise CorruptInput(f"{what}: {descriptor.size} bytes, more than the {limit} that are read of such a document")
    with store.open_blob(descriptor) as stream:
        raw = stream.read(descriptor.size + 1)
    check_blob(raw, descriptor, what)
    return raw


def check_blob(raw: bytes, descriptor: Descriptor, what: str) -> None:
    hint = "The image is damaged or was tampered with; fetch it again."
    if len(raw) != descriptor.size:
        raise CorruptInput(f"{what}: has not the promised {descriptor.size} bytes", hint=hint)
    actual = Digest.of(raw, descriptor.digest.algorithm)
    if actual != descriptor.digest:
        raise CorruptInput(f"{what}: its content has the digest {actual}", hint=hint)


def _pick(index: Index, wanted: Platform, what: str) -> Descriptor:
    images = images_of(index)
    if not images:
        raise CorruptInput(f"{what}: there is no image in it")
    at = choose(wanted, [m.platform for m in images])
    if at is None and len(images) == 1 and images[0].platform is None:
        at = 0
    if at is None:
        offered = ", ".join(sorted({str(m.platform) if m.platform else "(not said)" for m in images}))
        raise UsageError(
            f"{what}: has no image for {wanted}; it offers: {offered}",
            hint="Choose one with --platform os/arch[/variant].",
        )
    return images[at]


def images_of(index: Index) -> tuple[Descriptor, ...]:
    """The index's entries that are images (or indexes of them), and not about images."""
    return tuple(m for m in index.manifests if not _is_attestation(m))


def platforms(store: BlobStore) -> tuple[Descriptor, ...]:
    """The manifest of every platform that the store's root offers, in order; each says its platform where known."""
    found: list[Descriptor] = []
    pending = list(store.roots())
    for _ in range(_MAX_PLATFORMS):
        if not pending:
            return tuple(found)
        descriptor = pending.pop(0)
        parsed = oci.parse(
            read_blob(store, descriptor, oci.MAX_MANIFEST), f"{store.name}: manifest {descriptor.digest}"
        )
        if isinstance(parsed, Index):
            pending = [*images_of(parsed), *pending]
            if len(pending) > _MAX_PLATFORMS:
                break
        else:
            found.append(descriptor)
    raise CorruptInput(f"{store.name}: more than {_MAX_PLATFORMS} images in one index")


def open_manifest(store: BlobStore, descriptor: Descriptor, name: str) -> Image:
    """The image of one manifest, as `platforms` lists them."""
    parsed = oci.parse(read_blob(store, descriptor, oci.MAX_MANIFEST), f"{store.name}: manifest {descriptor.digest}")
    if not isinstance(parsed, Manifest):
        raise CorruptInput(f"{store.name}: {descriptor.digest} is an index, not an image")
    return _assembled(store, descriptor, parsed, None, name)


def _is_attestation(descriptor: Descriptor) -> bool:
    """BuildKit keeps attestations in the index as images of an unknown platform."""
    unknown = descriptor.platform is not None and descriptor.platform.os == "unknown"
    return unknown or "vnd.docker.reference.type" in descriptor.annotations


def _assembled(store: BlobStore, at: Descriptor, found: Manifest, wanted: Platform | None, name: str) -> Image:
    what = f"{store.name}: config {found.config.digest}"
    config = oci.parse_config(read_blob(store, found.config, oci.MAX_CONFIG), what)
    if wanted and config.platform.architecture and not wanted.matches(config.platform):
        raise UsageError(f"{store.name}: is for {config.platform}, not for {wanted}")
    if len(config.diff_ids) != len(found.layers):
        raise CorruptInput(f"{what}: names {len(config.diff_ids)} layers, but the manifest {len(found.layers)}")
    made_by = instructions(config)
    layers = tuple(
        Layer(
            _opener(store, blob), f"{store.name}: layer {blob.digest}", diff_id, blob, created_by, _ranger(store, blob)
        )
        for blob, diff_id, created_by in zip(found.layers, config.diff_ids, made_by, strict=True)
    )
    return Image(name, layers, None, at.digest, found.media_type, found.config.digest, config)


def _opener(store: BlobStore, descriptor: Descriptor) -> Callable[[], BinaryIO]:
    return lambda: store.open_blob(descriptor)


def _ranger(store: BlobStore, descriptor: Descriptor) -> Callable[[int, int], bytes | None] | None:
    return partial(store.read_range, descriptor) if isinstance(store, Ranged) else None


def instructions(config: ImageConfig) -> tuple[str, ...]:
    """For each layer the history entry that made it; empty where the history does not add up."""
    made = [entry.created_by for entry in config.history if not entry.empty_layer]
    return tuple(made) if len(made) == len(config.diff_ids) else ("",) * len(config.diff_ids)
