"""`sbomkit generate`: from an image to its SBOM."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sbomkit.cli._registry import access_from, registry_options
from sbomkit.errors import UsageError

if TYPE_CHECKING:
    from sbomkit.image.image import Image
    from sbomkit.model.inventory import Inventory
    from sbomkit.oci.access import Access
    from sbomkit.sbom.format import Output


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
    "--all-platforms", is_flag=True,
    help="A document per platform of an index, and one that links them; FILE is named FILE-os-arch for each.",
)  # fmt: skip
@click.option("--full", is_flag=True, help="Read layers whole, also those that have a table of contents.")
@click.option("--no-cache", is_flag=True, help="Neither use nor keep records of a registry's layers.")
@registry_options
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
@click.option("-v", "--verbose", is_flag=True, help="Every issue and every reason, on standard error.")
def command(
    source: str,
    outputs: tuple[str, ...],
    platform: str | None,
    name: str | None,
    strict: bool,
    all_platforms: bool,
    full: bool,
    no_cache: bool,
    quiet: bool,
    verbose: bool,
    **access: Any,
) -> int:
    """Take the inventory of SOURCE and write it as an SBOM.

    \b
    SOURCE is a reference in a registry, a path, or one of:
      registry:REF            an image in a registry, NAME[:TAG][@DIGEST]
      docker:REF, podman:REF  an image in a daemon
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
      sbomkit generate registry.example/app:1.2 --all-platforms -o cyclonedx-json=app.cdx.json
      SOURCE_DATE_EPOCH=0 sbomkit generate dir:/mnt/root --name root -o json

    Options can also be set as SBOMKIT_PLATFORM, SBOMKIT_NAME, SBOMKIT_OUTPUT and so on. Exit codes: 0 fine,
    1 refused by --strict, 2 wrong call, 3 the image could not be read.
    """
    from sbomkit.cli._output import source_date_epoch, wants_color, write_all
    from sbomkit.sbom.format import parse_output

    terminal = sys.stdout.isatty()
    chosen = [parse_output(text) for text in outputs or ("table" if terminal else "cyclonedx-json",)]
    if len({os.path.realpath(output.path) if output.path else "" for output in chosen}) < len(chosen):
        raise UsageError("two outputs to the same place", hint="Give each -o a file of its own: -o FORMAT=FILE.")
    how = How(name or "", quiet, not no_cache, full, source_date_epoch(), wants_color(terminal))
    reach = access_from(source, **access)
    if all_platforms:
        if platform:
            raise UsageError("--platform and --all-platforms exclude each other")
        inventories, documents = _every_platform(source, reach, chosen, how)
    else:
        inventories, documents = _one(source, platform, reach, chosen, how)
    write_all(documents)
    if not quiet:
        told = any(output.format.name == "table" and not output.path for output in chosen)
        for inventory in inventories:
            _notes(inventory, verbose, told=told)
    bad = any(inventory.issues or inventory.coverage.status == "none" for inventory in inventories)
    return 1 if strict and bad else 0


class How(NamedTuple):
    """What of the call concerns every scan."""

    name: str
    quiet: bool
    cached: bool
    full: bool
    stamp: str
    color: bool


Made = tuple[list["Inventory"], list[tuple[str, bytes]]]


def _scanned(image: Image, how: How) -> Inventory:
    from sbomkit.cli._scan import scanned

    return scanned(image, name=how.name, quiet=how.quiet, cached=how.cached, full=how.full)


def _encoded(output: Output, inventory: Inventory, how: How) -> bytes:
    from sbomkit.cli._scan import meta_for

    return output.encode(inventory, meta_for(inventory, how.stamp, color=how.color))


def _one(source: str, platform: str | None, access: Access, outputs: list[Output], how: How) -> Made:
    from sbomkit.image.source import open_source
    from sbomkit.oci.platform import Platform

    inventory = _scanned(open_source(source, Platform.parse(platform) if platform else None, access), how)
    return [inventory], [(output.path, _encoded(output, inventory, how)) for output in outputs]


def _every_platform(source: str, access: Access, outputs: list[Output], how: How) -> Made:
    """One document per platform, and one of the index; each -o needs a file to name them after."""
    from sbomkit.image.source import open_all_platforms
    from sbomkit.sbom.index_document import Part, index_inventory

    if not all(output.path for output in outputs):
        raise UsageError("--all-platforms writes several documents", hint="Give each -o a file: -o FORMAT=FILE.")
    found = open_all_platforms(source, access)
    inventories = [_scanned(image, how) for image in found.images]
    documents: list[tuple[str, bytes]] = []
    for output in outputs:
        parts = []
        for inventory in inventories:
            path = _for_platform(Path(output.path), inventory.subject.platform)
            parts.append(Part(inventory, _encoded(output, inventory, how), path.name))
            documents.append((str(path), parts[-1].raw))
        whole = index_inventory(how.name or found.name, found.digest, found.media_type, parts)
        documents.append((output.path, _encoded(output, whole, how)))
    if len({path for path, _ in documents}) < len(documents):
        raise UsageError("the index has the same platform twice", hint="Choose one with --platform or a digest.")
    return inventories, documents


def _for_platform(path: Path, platform: str) -> Path:
    """`app.cdx.json` as `app-linux-arm64.cdx.json`."""
    stem, dot, suffixes = path.name.partition(".")
    return path.with_name(f"{stem}-{platform.replace('/', '-')}{dot}{suffixes}")


def _notes(inventory: Inventory, verbose: bool, told: bool) -> None:
    """What must not be overlooked, on standard error; `told`: the table on the terminal says it already."""
    if inventory.coverage.status != "full" and not told:
        click.echo(f"coverage: {inventory.coverage.status}: {'; '.join(inventory.coverage.reasons)}", err=True)
    if verbose:
        for issue in inventory.issues:
            click.echo(f"issue: {issue.path or '(image)'}: {issue.reason}", err=True)
