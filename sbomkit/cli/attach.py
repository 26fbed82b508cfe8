"""`sbomkit attach`: a plain, unsigned document to an image."""

from __future__ import annotations

from typing import Any

import click

from sbomkit.cli._registry import access_from, registry_options


@click.command(context_settings={"auto_envvar_prefix": "SBOMKIT"})
@click.argument("image")
@click.option("--sbom", "file", required=True, metavar="FILE", help="What to attach.")
@click.option("--media-type", metavar="TYPE", default="", help="What it is. Default: recognised by its content.")
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="Attach to this image of an index, not to the index.")
@click.option("-q", "--quiet", is_flag=True, help="Print the digest only.")
@registry_options
def command(image: str, file: str, media_type: str, platform: str | None, quiet: bool, **access: Any) -> int:
    """Attach an SBOM to IMAGE, unsigned, as an OCI referrer. Prints the digest of the manifest that was made.

    IMAGE is a reference in a registry, or oci-dir:PATH[:TAG]. The image itself is not changed. The same file attached
    again is the same manifest, unless SOURCE_DATE_EPOCH says otherwise.

    \b
    Examples:
      sbomkit attach registry.example/app:1.2 --sbom app.cdx.json
      sbomkit attach oci-dir:./image:1.2 --sbom app.spdx.json --platform linux/arm64
    """
    from pathlib import Path

    from sbomkit.cli._output import source_date_epoch
    from sbomkit.errors import CannotCheck
    from sbomkit.oci.platform import Platform
    from sbomkit.publish.attach import attach_document
    from sbomkit.publish.place import MAX_BLOB, open_place
    from sbomkit.publish.platforms import digest_for

    with Path(file).open("rb") as stream:
        raw = stream.read(MAX_BLOB + 1)
    if len(raw) > MAX_BLOB:
        raise CannotCheck(f"{file}: larger than {MAX_BLOB} bytes")
    place = open_place(image, access_from(image, **access))
    subject = digest_for(place, Platform.parse(platform)) if platform else None
    made = attach_document(
        place, raw, media_type=media_type, title=Path(file).name, created=source_date_epoch(), subject=subject
    )
    click.echo(str(made.digest))
    if not quiet:
        click.echo(f"attached to {subject or place.root().descriptor.digest}; it is not signed", err=True)
    return 0
