"""`sbomkit download`: one attached document, to a file or standard output."""

from __future__ import annotations

from typing import Any

import click

from sbomkit.cli._registry import access_from, registry_options


@click.command(context_settings={"auto_envvar_prefix": "SBOMKIT"})
@click.argument("image")
@click.option(
    "--type", "wanted", required=True, metavar="cyclonedx|spdx|provenance|vsa|openvex|vulns|URI",
    help="What to take: a kind, a predicate type of any version, or a media type.",
)  # fmt: skip
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="Only what is attached to this image of an index.")
@click.option("-o", "--output", metavar="FILE", help="Where to write it. Default: standard output.")
@click.option("-q", "--quiet", is_flag=True, help="No notes. The warning that nothing was verified stays.")
@registry_options
def command(image: str, wanted: str, platform: str | None, output: str | None, quiet: bool, **access: Any) -> int:
    """Write out a document that is attached to IMAGE, without verifying anything.

    Of several the newest by its own claim is taken, those of the image itself before those of its platforms. An SBOM
    is taken out of its attestation; of any other kind the whole statement is written.

    \b
    Examples:
      sbomkit download registry.example/app:1.2 --type cyclonedx -o sbom.json
      sbomkit download oci-dir:./image --type https://slsa.dev/provenance/v1
    """
    from sbomkit.cli._output import write_all
    from sbomkit.errors import CannotCheck
    from sbomkit.oci.platform import Platform
    from sbomkit.publish.discover import discover
    from sbomkit.publish.download import find
    from sbomkit.publish.place import open_place
    from sbomkit.publish.platforms import node_for

    place = open_place(image, access_from(image, **access))
    node = discover(place)
    if platform:
        node = node_for(node, Platform.parse(platform), place.name)
    found = list(find(place, node, wanted))
    if not found:
        raise CannotCheck(
            f"{place.name}: nothing of type {wanted!r} is attached", hint=f"`sbomkit tree {image}` lists what there is."
        )
    first = found[0]
    write_all([(output or "", first.content)])
    if len(found) > 1 and not quiet:
        click.echo(f"note: {len(found)} of this type are attached; this is {first.payload.descriptor.digest}", err=True)
    signature = (
        "It carries a signature that was not checked" if first.attachment.carries_signature else "It is unsigned"
    )
    click.echo(
        click.style("warning: ", fg="yellow", bold=True)
        + f"NOT VERIFIED: {first.stated_type} of {first.attachment.subject}. {signature}: anybody who can write to the "
        "registry may have put it there.",
        err=True,
    )
    return 0
