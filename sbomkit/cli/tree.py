"""`sbomkit tree`: what is attached to an image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from sbomkit.cli._registry import access_from, registry_options

if TYPE_CHECKING:
    from datetime import datetime

    from sbomkit.publish.discover import Attachment, Node


@click.command(context_settings={"auto_envvar_prefix": "SBOMKIT"})
@click.argument("image")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@registry_options
def command(image: str, as_json: bool, **access: Any) -> int:
    """List what is attached to IMAGE: SBOMs, attestations, signatures.

    \b
    IMAGE is a reference in a registry, or oci-dir:PATH[:TAG]. Looked at are referrers (by API and by tag), cosign's
    tags, BuildKit's attestation manifests, and what is attached to the attachments and to each platform's image.

    Nothing is verified: "signed" says that there is a signature, not that it is any good.

    \b
    Examples:
      sbomkit tree registry.example/app:1.2
      sbomkit tree oci-dir:./image --json
    """
    from datetime import UTC, datetime

    from sbomkit.publish.discover import discover
    from sbomkit.publish.place import open_place

    place = open_place(image, access_from(image, **access))
    node = discover(place)
    if as_json:
        import orjson

        click.echo(orjson.dumps(_plain(node), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(f"{place.name}")
        for line in _lines(node, "", datetime.now(UTC)):
            click.echo(line)
    for problem in _problems(node):
        click.echo(f"note: {problem}", err=True)
    return 0


def _lines(node: Node, indent: str, now: datetime) -> Iterator[str]:
    platform = f" {node.descriptor.platform}" if node.descriptor.platform else ""
    yield f"{indent}{node.descriptor.digest}{platform}"
    if not node.attachments:
        yield f"{indent}  (nothing attached)"
    for attachment in node.attachments:
        yield from _attachment(attachment, indent + "  ", now)
    for below in node.platforms:
        yield from _lines(below, indent + "  ", now)


def _attachment(attachment: Attachment, indent: str, now: datetime) -> Iterator[str]:
    kinds = sorted({payload.contents for payload in attachment.payloads} or {attachment.artifact_type or "(unknown)"})
    signed = "signed (not verified)" if attachment.carries_signature else "not signed"
    words = [f"{attachment.size} bytes", _age(attachment.created, now), signed, attachment.way]
    yield f"{indent}- {', '.join(kinds)}"
    yield f"{indent}  {attachment.manifest.digest}  {', '.join(word for word in words if word)}"
    for below in attachment.attached:
        yield from _attachment(below, indent + "    ", now)


def _age(created: str, now: datetime) -> str:
    """How long ago its maker claims to have made it."""
    from datetime import UTC, datetime

    try:
        made = datetime.fromisoformat(created)
    except ValueError:
        return ""
    seconds = (now - (made if made.tzinfo else made.replace(tzinfo=UTC))).total_seconds()
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = int(seconds // length)
        if count > 0:
            return f"{count} {unit}{'s' if count > 1 else ''} old"
    return "new"


def _problems(node: Node) -> Iterator[str]:
    yield from node.problems
    for below in node.platforms:
        yield from _problems(below)


def _plain(node: Node) -> dict[str, object]:
    return {
        "digest": str(node.descriptor.digest),
        "mediaType": node.descriptor.media_type,
        "platform": str(node.descriptor.platform or ""),
        "attachments": [_plain_attachment(a) for a in node.attachments],
        "platforms": [_plain(below) for below in node.platforms],
        "problems": list(node.problems),
    }


def _plain_attachment(attachment: Attachment) -> dict[str, object]:
    return {
        "digest": str(attachment.manifest.digest),
        "subject": str(attachment.subject),
        "way": attachment.way,
        "artifactType": attachment.artifact_type,
        "contents": [
            {
                "type": p.contents, "mediaType": p.descriptor.media_type, "digest": str(p.descriptor.digest),
                "size": p.descriptor.size,
            }
            for p in attachment.payloads
        ],
        "created": attachment.created,
        "signed": attachment.carries_signature,
        "attachments": [_plain_attachment(below) for below in attachment.attached],
    }  # fmt: skip
