"""`sbomkit generate`: from an image to its SBOM."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from sbomkit.cli._registry import access_from, registry_options

if TYPE_CHECKING:
    from sbomkit.image.image import Image
    from sbomkit.model.inventory import Inventory


@click.command(context_settings={"auto_envvar_prefix": "SBOMKIT"})
@click.argument("source")
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FORMAT[@VERSION][=FILE]", envvar="SBOMKIT_OUTPUT",
    help="What to write, and where to; repeatable. Default: table on a terminal, cyclonedx-json otherwise.",
)  # fmt: skip
@click.option(
    "--platform", metavar="OS/ARCH[/VARIANT]", help="Which image of an index. Default: linux, as this machine."
)
@click.option("--name", metavar="NAME", help="What the documents call the image. Default: from the source.")
@click.option(
    "--strict", is_flag=True, help="Exit 1 when something in the image could not be read, or nothing was found."
)
@click.option(
    "--no-cache", is_flag=True, help="Read every layer, and keep nothing. `sbomkit cache` tells of the cache."
)
@click.option(
    "--full",
    is_flag=True,
    help="Read all of layers that have a table of contents (eStargz, zstd:chunked).",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
@click.option("-v", "--verbose", is_flag=True, help="Every issue and every reason, on standard error.")
@registry_options
def command(
    source: str,
    outputs: tuple[str, ...],
    platform: str | None,
    name: str | None,
    strict: bool,
    no_cache: bool,
    full: bool,
    quiet: bool,
    verbose: bool,
    **access: Any,
) -> int:
    """Take the inventory of SOURCE and write it as an SBOM.

    \b
    SOURCE is an image reference, a path, or one of:
      registry:NAME[:TAG][@DIGEST]  an image in a registry
      docker:NAME, podman:NAME      an image in a daemon
      oci-dir:PATH[:TAG]      an OCI image layout directory
      oci-archive:FILE[:TAG]  a tar of one
      docker-archive:FILE     what `docker save` wrote
      dir:PATH                a root filesystem
      tar:FILE                a root filesystem tar, any compression

    \b
    Examples:
      sbomkit generate registry.example/app:1.2
      sbomkit generate ./image:1.0
      sbomkit generate app.tar -o cyclonedx-json=app.cdx.json -o spdx-json=app.spdx.json
      sbomkit generate oci-dir:./image --platform linux/arm64 -o cyclonedx-json@1.5
      SOURCE_DATE_EPOCH=0 sbomkit generate dir:/mnt/root --name root -o json

    Options can also be set as SBOMKIT_PLATFORM, SBOMKIT_NAME, SBOMKIT_OUTPUT and so on. Exit codes: 0 fine,
    1 refused by --strict, 2 wrong call, 3 the image could not be read.
    """
    from sbomkit.cli._output import source_date_epoch, wants_color, write_all
    from sbomkit.errors import UsageError
    from sbomkit.image.source import open_source
    from sbomkit.oci.platform import Platform
    from sbomkit.sbom.format import Meta, parse_output

    terminal = sys.stdout.isatty()
    chosen = [parse_output(text) for text in outputs or ("table" if terminal else "cyclonedx-json",)]
    if len({os.path.realpath(output.path) if output.path else "" for output in chosen}) < len(chosen):
        raise UsageError("two outputs to the same place", hint="Give each -o a file of its own: -o FORMAT=FILE.")
    stamp = source_date_epoch()
    wanted = Platform.parse(platform) if platform else None
    image = open_source(source, wanted, access_from(source, **access))
    inventory = _scanned(image, name or "", quiet, no_cache, full)
    meta = Meta(_version(), stamp or inventory.subject.created, color=wants_color(terminal))
    write_all([(output.path, output.encode(inventory, meta)) for output in chosen])
    if not quiet:
        _notes(inventory, verbose, told=any(output.format.name == "table" and not output.path for output in chosen))
    return 1 if strict and (inventory.issues or inventory.coverage.status == "none") else 0


def _scanned(image: Image, name: str, quiet: bool, no_cache: bool, full: bool) -> Inventory:
    from sbomkit.cli._progress import ProgressLine
    from sbomkit.layers.cache import RecordCache, default_directory
    from sbomkit.scan import scan

    cache = (
        None if no_cache else RecordCache(default_directory(), say=lambda text: click.echo(f"note: {text}", err=True))
    )
    total = sum(layer.descriptor.size for layer in image.layers if layer.descriptor)
    with ProgressLine(total, len(image.layers), quiet=quiet) as progress:
        return scan(image, name=name, progress=progress, cache=cache, full=full)


def _version() -> str:
    from sbomkit import __version__

    return __version__


def _notes(inventory: Inventory, verbose: bool, told: bool) -> None:
    """What must not be overlooked, on standard error; `told`: the table on the terminal says it already."""
    if inventory.coverage.status != "full" and not told:
        click.echo(f"coverage: {inventory.coverage.status}: {'; '.join(inventory.coverage.reasons)}", err=True)
    if verbose:
        for issue in inventory.issues:
            click.echo(f"issue: {issue.path or '(image)'}: {issue.reason}", err=True)
