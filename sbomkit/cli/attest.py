"""`sbomkit attest`: sign what is said of an image or a file, and leave it where others look for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sbomkit.cli._registry import access_from, registry_options, taken_from
from sbomkit.cli._signing import read_small, signer_from, signing_options
from sbomkit.errors import UsageError

if TYPE_CHECKING:
    from sbomkit.attest import Bundle, Signer
    from sbomkit.cli._target import About
    from sbomkit.model.digest import Digest
    from sbomkit.oci.access import Access
    from sbomkit.publish.place import Place

_MAX_PREDICATE = 256 << 20


class Claim(NamedTuple):
    """A predicate, and what it is about."""

    digest: Digest
    predicate: bytes
    platform: str = ""


@click.command(context_settings={"auto_envvar_prefix": "SBOMKIT"})
@click.argument("target")
@click.option("--sbom", metavar="FILE", help="This SBOM. Without it, and without --predicate, one is generated now.")
@click.option("--predicate", metavar="FILE", help="Any JSON predicate; needs --type.")
@click.option(
    "--type",
    "predicate_type",
    metavar="NAME|URI",
    help="cyclonedx (default), spdx, slsaprovenance1, vuln, openvex, custom, ... or a URI.",
)
@click.option("--platform", metavar="OS/ARCH[/VARIANT]", help="Of an index, this platform's image.")
@click.option("--all-platforms", is_flag=True, help="Each image of an index, and the index itself.")
@click.option("--bundle", metavar="FILE", help="Write the signed bundle (JSON lines, where there are several).")
@click.option("--no-attach", is_flag=True, help="Leave the registry or layout as it is; needs --bundle.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
@signing_options
@registry_options
def command(
    target: str,
    sbom: str | None,
    predicate: str | None,
    predicate_type: str | None,
    platform: str | None,
    all_platforms: bool,
    bundle: str | None,
    no_attach: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Sign an attestation of TARGET, and attach it.

    \b
    TARGET is an image (a reference in a registry, or oci-dir:PATH[:TAG]), a file, or a digest sha256:HEX.

    The image's tag is resolved once; the statement is about the digest. What is signed are the exact bytes of the
    predicate. Without a key the signature is keyless: by the identity of the CI job, or of the person who is asked.

    \b
    Examples:
      sbomkit attest registry.example/app:1.2                              generate, sign keyless, attach
      sbomkit attest registry.example/app:1.2 --sbom app.cdx.json --key release.key
      sbomkit attest app.tar.gz --predicate prov.json --type slsaprovenance1 --bundle app.sigstore.json
    """
    from sbomkit.cli._target import about

    if sbom and predicate:
        raise UsageError("--sbom and --predicate exclude each other")
    if predicate and not predicate_type:
        raise UsageError("--predicate needs --type")
    if platform and all_platforms:
        raise UsageError("--platform and --all-platforms exclude each other")
    access = access_from(target, **taken_from(options))
    this = about(target, access)
    if this.place is None and not bundle:
        raise UsageError("a file or a digest has no place to attach to", hint="Say where to write: --bundle FILE.")
    if no_attach and not bundle:
        raise UsageError("--no-attach leaves nothing", hint="Say where to write: --bundle FILE.")
    kind = _type_of(predicate_type, sbom)
    claims = list(_claims(this, access, kind, sbom or predicate, platform, all_platforms, quiet))
    signer = signer_from(**options)
    _publish(this, kind, claims, signer, bundle, attach=this.place is not None and not no_attach, quiet=quiet)
    return 0


def _type_of(named: str | None, sbom: str | None) -> str:
    """The predicate type's URI; of an SBOM file that the call does not name, what the file is."""
    from sbomkit.attest import predicate_uri
    from sbomkit.publish.kinds import CYCLONEDX_JSON, SPDX_JSON, media_type_of

    if named:
        return predicate_uri(named)
    if not sbom:
        return predicate_uri("cyclonedx")
    found = {CYCLONEDX_JSON: "cyclonedx", SPDX_JSON: "spdx"}.get(media_type_of(read_small(sbom, _MAX_PREDICATE)))
    if not found:
        raise UsageError(f"{sbom}: neither CycloneDX nor SPDX in JSON", hint="Say what it is with --type.")
    return predicate_uri(found)


def _claims(
    this: About, access: Access, kind: str, file: str | None, platform: str | None, every: bool, quiet: bool
) -> Iterator[Claim]:
    from sbomkit.oci.platform import Platform
    from sbomkit.publish.platforms import digest_for

    if file is None:
        yield from _generated(this, access, kind, platform, every, quiet)
        return
    raw = read_small(file, _MAX_PREDICATE)
    if every:
        raise UsageError("one file cannot be about every platform", hint="Give each its own, with --platform.")
    if this.place is None:
        if platform or this.target is None:
            raise UsageError("--platform is for images")
        yield Claim(this.target.digests[0], raw)
        return
    chosen = digest_for(this.place, Platform.parse(platform)) if platform else this.place.root().descriptor.digest
    yield Claim(chosen, raw)


def _generated(
    this: About, access: Access, kind: str, platform: str | None, every: bool, quiet: bool
) -> Iterator[Claim]:
    """SBOMs made now, each about the digest of the manifest that was read."""
    from sbomkit.attest import family, predicate_uri
    from sbomkit.cli._output import source_date_epoch
    from sbomkit.cli._scan import meta_for, scanned
    from sbomkit.image.source import open_all_platforms, open_source
    from sbomkit.oci.platform import Platform
    from sbomkit.sbom.format import find
    from sbomkit.sbom.index_document import Part, index_inventory

    place = this.require_place("Give the SBOM with --sbom, or any predicate with --predicate and --type.")
    names = {predicate_uri("cyclonedx"): "cyclonedx-json", predicate_uri("spdx"): "spdx-json"}
    if family(kind) not in names:
        raise UsageError(f"a predicate of type {kind} cannot be generated", hint="Give it with --predicate FILE.")
    format, stamp = find(names[family(kind)]), source_date_epoch()
    pinned = _pinned(this, place)
    if not every:
        wanted = Platform.parse(platform) if platform else None
        images, whole = [open_source(pinned, wanted, access)], None
    else:
        whole = open_all_platforms(pinned, access)
        images = list(whole.images)
    parts = []
    for image in images:
        inventory = scanned(image, name=this.name, quiet=quiet)
        parts.append(Part(inventory, format.encode(inventory, meta_for(inventory, stamp)), ""))
        if image.digest is None:
            raise UsageError(f"{this.words}: has no manifest digest to attest")
        yield Claim(image.digest, parts[-1].raw, inventory.subject.platform)
    if whole is not None and whole.digest not in {image.digest for image in images}:
        index = index_inventory(this.name, whole.digest, whole.media_type, parts)
        yield Claim(whole.digest, format.encode(index, meta_for(index, stamp)), "index")


def _pinned(this: About, place: Place) -> str:
    """The source by the digest that its tag was resolved to, so that it cannot move meanwhile."""
    from sbomkit.publish.layout import LayoutPlace

    digest = place.root().descriptor.digest
    if isinstance(place, LayoutPlace):
        return f"oci-dir:{place.path}@{digest}"
    return f"registry:{this.name}@{digest}"


def _publish(
    this: About, kind: str, claims: list[Claim], signer: Signer, file: str | None, *, attach: bool, quiet: bool
) -> None:
    """Sign everything first; only then is anything written or attached."""
    from sbomkit.attest import Target
    from sbomkit.attest import attest as sign
    from sbomkit.cli._output import write_all
    from sbomkit.publish.attach import attach_bundle

    signed: list[tuple[Claim, Bundle]] = [
        (claim, sign(signer, Target.of_digest(claim.digest), kind, claim.predicate, name=this.name)) for claim in claims
    ]
    if file:
        write_all([(file if file != "-" else "", b"\n".join(bundle.raw for _, bundle in signed) + b"\n")])
    if attach and this.place is not None:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        for claim, bundle in signed:
            where = attach_bundle(this.place, bundle.raw, predicate_type=kind, created=now, subject=claim.digest)
            if not quiet:
                click.echo(f"attached {kind} to {claim.platform or 'image'} {claim.digest}: {where.digest}", err=True)
