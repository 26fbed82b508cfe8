"""`sbomkit sign`: a signature that says no more than that it was made."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sbomkit.cli._registry import access_from, registry_options, taken_from
from sbomkit.cli._signing import signer_from, signing_options
from sbomkit.errors import UsageError


@click.command(context_settings={"auto_envvar_prefix": "SBOMKIT"})
@click.argument("target")
@click.option("--bundle", metavar="FILE", help="Write the bundle here. Default for a file: FILE.sigstore.json.")
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="Of an index, this platform's image.")
@click.option("--no-attach", is_flag=True, help="Leave the registry or layout as it is; needs --bundle.")
@signing_options
@registry_options
def command(target: str, bundle: str | None, platform: str | None, no_attach: bool, **options: Any) -> int:
    """Sign TARGET: a file, or an image (a reference in a registry, or oci-dir:PATH[:TAG]).

    A file gets a message signature. An image gets cosign's sign statement, attached to it.

    \b
    Examples:
      sbomkit sign app.tar.gz --key release.key
      sbomkit sign registry.example/app:1.2
    """
    from sbomkit.attest import Target
    from sbomkit.attest.api import sign_blob, sign_image
    from sbomkit.attest.predicates import COSIGN_SIGN
    from sbomkit.cli._output import write_all
    from sbomkit.cli._target import about
    from sbomkit.oci.platform import Platform
    from sbomkit.publish.attach import attach_bundle
    from sbomkit.publish.platforms import digest_for

    access = access_from(target, **taken_from(options))
    this = about(target, access, keep=True)
    if this.place is None:
        if platform or no_attach:
            raise UsageError("--platform and --no-attach are for images")
        if this.file is None or this.target is None:
            raise UsageError("a bare digest cannot be signed by itself", hint="`attest` says something of a digest.")
        signed = sign_blob(signer_from(**options), this.target)
        write_all([(bundle or str(Path(f"{this.file}.sigstore.json")), signed.raw + b"\n")])
        return 0
    if no_attach and not bundle:
        raise UsageError("--no-attach leaves nothing", hint="Say where to write: --bundle FILE.")
    root = this.place.root().descriptor.digest
    digest = digest_for(this.place, Platform.parse(platform)) if platform else root
    signed = sign_image(signer_from(**options), Target.of_digest(digest), name=this.name)
    if bundle:
        write_all([(bundle, signed.raw + b"\n")])
    if not no_attach:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        where = attach_bundle(this.place, signed.raw, predicate_type=COSIGN_SIGN, created=now, subject=digest)
        click.echo(f"attached a signature to {digest}: {where.digest}", err=True)
    return 0
