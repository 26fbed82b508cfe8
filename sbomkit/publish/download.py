"""Taking one attached document out of a registry or layout. Nothing here verifies a signature."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.oci import manifest as oci
from sbomkit.publish.discover import Attachment, Node, Payload
from sbomkit.publish.kinds import is_envelope, matches, wants_document
from sbomkit.publish.place import Place, read_blob

_IN_TOTO_PAYLOAD = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Found:
    """A document that claims to be of the wanted kind."""

    attachment: Attachment
    payload: Payload
    content: bytes
    stated_type: str
    """The predicate type inside, or the media type of a plain document."""


@dataclass(frozen=True, slots=True)
class Statement:
    """An in-toto statement, as read out of whatever wraps it. Not verified."""

    raw: bytes
    predicate_type: str
    predicate: object


def find(place: Place, node: Node, wanted: str) -> Iterator[Found]:
    """Every attached document of a kind: those of the image first, newest claim first, then those of its platforms."""
    ordered = sorted(node.attachments, key=lambda a: a.created, reverse=True)
    for top in ordered:
        for attachment in top.walk():
            for payload in attachment.payloads:
                found = _taken(place, attachment, payload, wanted)
                if found is not None:
                    yield found
    for platform in node.platforms:
        yield from find(place, platform, wanted)


def _taken(place: Place, attachment: Attachment, payload: Payload, wanted: str) -> Found | None:
    media_type = payload.descriptor.media_type
    if not is_envelope(media_type):
        if not matches(wanted, media_type):
            return None
        return Found(attachment, payload, read_blob(place, payload.descriptor), media_type)
    hinted = payload.contents != media_type
    if hinted and not matches(wanted, payload.contents):
        return None
    statement = read_statement(read_blob(place, payload.descriptor), f"{place.name}: {payload.descriptor.digest}")
    if statement is None or not matches(wanted, statement.predicate_type):
        return None
    content = document_of(statement) if wants_document(wanted) else statement.raw
    return Found(attachment, payload, content, statement.predicate_type)


def read_statement(raw: bytes, what: str) -> Statement | None:
    """The statement in a bundle, in a DSSE envelope, or bare; None where there is none. Raises CorruptInput."""
    value = oci.load_object(raw, what)
    envelope = value.get("dsseEnvelope", value)
    if isinstance(envelope, dict) and "payload" in envelope:
        if envelope.get("payloadType") != _IN_TOTO_PAYLOAD or not isinstance(envelope["payload"], str):
            return None
        try:
            raw = base64.b64decode(envelope["payload"], validate=True)
        except (binascii.Error, ValueError):
            raise CorruptInput(f"{what}: the envelope's payload is not base64") from None
        value = oci.load_object(raw, f"{what}: payload")
    if "predicateType" not in value:
        return None
    return Statement(raw, oci.text(value, "predicateType", what), value.get("predicate"))


def document_of(statement: Statement) -> bytes:
    """The SBOM that is the predicate; old cosign wrapped it in `Data`, and SPDX text is a string."""
    predicate = statement.predicate
    if isinstance(predicate, dict) and set(predicate) <= {"Data", "Timestamp"} and "Data" in predicate:
        predicate = predicate["Data"]
    if isinstance(predicate, str):
        return predicate.encode()
    if predicate is None:
        raise CannotCheck(f"a statement of {statement.predicate_type} without a predicate")
    return orjson.dumps(predicate)
