"""`docker save` archives: the old layout (one directory a layer) and the new one (blobs/), both led by manifest.json.

They hold the config and the uncompressed layers, so the image id and the diffIDs are known, but no manifest digest.
https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO

from sbomkit.errors import CannotCheck, CorruptInput, UsageError
from sbomkit.image.archive import Archive
from sbomkit.image.image import Image, Layer, instructions
from sbomkit.model.digest import Digest
from sbomkit.oci import manifest as oci
from sbomkit.oci.platform import Platform

_HEX = re.compile(r"(?:^|/)([0-9a-f]{64})(?:\.json)?\Z")


def open_docker_archive(archive: Archive, tag: str, platform: Platform | None, name: str) -> Image:
    """The archive's image with that tag, or its only one. Raises CannotCheck or UsageError."""
    if "manifest.json" not in archive:
        raise CannotCheck(
            f"{archive.path}: not a docker archive: there is no manifest.json in it",
            hint="Archives of Docker before 1.10 have none; load and save them with a newer one.",
        )
    what = f"{archive.path}: manifest.json"
    listed = oci.load_json(archive.read("manifest.json", oci.MAX_MANIFEST), what)
    if not isinstance(listed, list):
        raise CorruptInput(f"{what}: should be an array of images")
    entry, found = _chosen([oci.as_object(image, what) for image in listed], tag, str(archive.path))
    config_name = oci.text(entry, "Config", what)
    config_raw = archive.read(config_name, oci.MAX_CONFIG)
    image_id = Digest.of(config_raw)
    promised = _HEX.search(config_name)
    if promised and promised[1] != image_id.hex:
        raise CorruptInput(f"{archive.path}: {config_name}: its content has the digest {image_id}, not its name's")
    config = oci.parse_config(config_raw, f"{archive.path}: {config_name}")
    if platform and config.platform.architecture and not platform.matches(config.platform):
        raise UsageError(f"{archive.path}: is for {config.platform}, not for {platform}")
    paths = [path for path in oci.array(entry, "Layers", what) if isinstance(path, str)]
    if len(paths) != len(config.diff_ids):
        raise CorruptInput(f"{archive.path}: {len(paths)} layers, but {len(config.diff_ids)} in its config")
    layers = tuple(
        Layer(_opener(archive, path), f"{archive.path}: layer {path}", diff_id, None, created_by)
        for path, diff_id, created_by in zip(paths, config.diff_ids, instructions(config), strict=True)
    )
    return Image(found or name, layers, None, None, "", image_id, config)


def _chosen(images: list[oci.Json], tag: str, path: str) -> tuple[oci.Json, str]:
    """The image with that tag, and its full name."""
    named = [(image, _tags(image)) for image in images]
    if tag:
        for image, tags in named:
            for full in tags:
                if tag in (full, full.rpartition(":")[2]):
                    return image, full
    offered = ", ".join(sorted(full for _, tags in named for full in tags)) or "images without a tag"
    if tag or len(named) > 1:
        raise UsageError(f"{path}: which image? It has: {offered}", hint="Add :TAG to the path.")
    if not named:
        raise CorruptInput(f"{path}: manifest.json names no image")
    image, tags = named[0]
    return image, tags[0] if tags else ""


def _tags(entry: oci.Json) -> list[str]:
    found = entry.get("RepoTags")
    return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []


def _opener(archive: Archive, path: str) -> Callable[[], BinaryIO]:
    return lambda: archive.open(path)
