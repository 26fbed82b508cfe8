"""Scanning for a command: progress, the cache of layer records, the documents' time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sbomkit.image.image import Image
    from sbomkit.layers.cache import SharedRecords
    from sbomkit.model.inventory import Inventory
    from sbomkit.sbom.format import Meta
    from sbomkit.scan import Examined


def scanned(image: Image, *, name: str = "", quiet: bool = False, cached: bool = True, full: bool = False) -> Inventory:
    """The inventory; progress on standard error."""
    return examined(image, name=name, quiet=quiet, cached=cached, full=full).inventory


def examined(
    image: Image,
    *,
    name: str = "",
    quiet: bool = False,
    cached: bool = True,
    full: bool = False,
    shared: SharedRecords | None = None,
) -> Examined:
    """The inventory with the tree of files; progress on standard error. `shared`: with other images of this call.

    Records of layers are kept for images in registries only: a local image is read and verified every time.
    """
    from sbomkit.cli._progress import ProgressLine
    from sbomkit.layers.cache import RecordCache, default_directory
    from sbomkit.scan import examine

    total = sum(layer.descriptor.size for layer in image.layers if layer.descriptor)

    def say(text: str) -> None:
        if not quiet:
            click.echo(f"note: {text}", err=True)

    cache = RecordCache(default_directory(), say=say) if cached and image.remote else None
    with ProgressLine(total, len(image.layers), quiet=quiet) as progress:
        store = shared.before(cache) if shared is not None else cache
        return examine(image, name=name, progress=progress, cache=store, full=full)


def meta_for(inventory: Inventory, stamp: str, *, color: bool = False) -> Meta:
    """`stamp` (SOURCE_DATE_EPOCH) or the image's own time."""
    from sbomkit import __version__
    from sbomkit.sbom.format import Meta

    return Meta(__version__, stamp or inventory.subject.created, color=color)
