"""Times that somebody trusted vouched for: a timestamp authority, or a log of version 1.

RFC 3161 arithmetic is rfc3161-client's. The clock of this machine plays no part in whether a signature was in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sbomkit.attest.bundle import MAX_TIMESTAMPS
from sbomkit.attest.certificate import unreadable
from sbomkit.attest.cms import check_unsigned_parts
from sbomkit.attest.reasons import NotTaken, Reason

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

    from sbomkit.attest.trust import Authority, TrustedRoot


@dataclass(frozen=True, slots=True, order=True)
class VerifiedTime:
    """A moment (UTC) at which the signature existed, and who says so."""

    time: datetime
    source: str


def check_timestamps(
    timestamps: tuple[bytes, ...], message: bytes, root: TrustedRoot | None
) -> tuple[VerifiedTime, ...]:
    """Verify every timestamp over `message`; one that fails is a reason to refuse, whatever else vouches for a time."""
    if len(timestamps) > MAX_TIMESTAMPS:
        raise NotTaken(Reason.TIMESTAMPS_TOO_MANY, f"{len(timestamps)} timestamps, at most {MAX_TIMESTAMPS} are read")
    if len(set(timestamps)) != len(timestamps):
        raise NotTaken(Reason.TIMESTAMP_INVALID, "the same timestamp occurs twice")
    return tuple(_check(_decode(stamp), message, root) for stamp in timestamps)


def _decode(raw: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    try:
        return decode_timestamp_response(raw)
    except unreadable() as error:
        raise NotTaken(Reason.TIMESTAMP_INVALID, f"a timestamp cannot be read: {error}") from error


def _check(stamp: TimeStampResponse, message: bytes, root: TrustedRoot | None) -> VerifiedTime:
    from rfc3161_client import VerificationError

    failures: tuple[type[Exception], ...] = (VerificationError, *unreadable())
    known = False
    problem = ""
    for authority in root.timestamp_authorities if root else ():
        if not _signed_by(stamp, authority):
            continue
        known = True
        try:
            _verify(stamp, message, authority)
            time = stamp.tst_info.gen_time
        except failures as error:
            problem = str(error)
            continue
        # both ends count: a timestamp made in the authority's last second is its own
        if authority.window.holds(time):
            return VerifiedTime(time, "timestamp authority")
        problem = f"made at {time:%FT%TZ}, when the authority was not in service"
    if known:
        raise NotTaken(Reason.TIMESTAMP_INVALID, f"a timestamp is not valid: {problem}")
    where = root.label if root else "any trusted root"
    raise NotTaken(Reason.TIMESTAMP_UNTRUSTED, f"a timestamp is by an authority that is not in {where}")


def _signed_by(stamp: TimeStampResponse, authority: Authority) -> bool:
    """Does the timestamp claim to be this authority's? Decides only between two words for a refusal."""
    try:
        signers = list(stamp.signed_data.signer_infos)
        leaf = authority.chain[0]
        return any(signer.serial_number == leaf.serial_number for signer in signers)
    except unreadable():
        return False


def _verify(stamp: TimeStampResponse, message: bytes, authority: Authority) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding
    from rfc3161_client import VerifierBuilder

    if len(authority.chain) < 2:
        raise ValueError("the authority's chain has no root")
    builder = VerifierBuilder().tsa_certificate(authority.chain[0]).add_root_certificate(authority.chain[-1])
    for certificate in authority.chain[1:-1]:
        builder = builder.add_intermediate_certificate(certificate)
    builder.build().verify_message(stamp, message)
    check_unsigned_parts(stamp.time_stamp_token())
    # certificates that travel along are not signed either: only those that the root has anyway
    known = {certificate.public_bytes(Encoding.DER) for certificate in authority.chain}
    if not known.issuperset(stamp.signed_data.certificates):
        raise ValueError("it carries certificates that are not the authority's")
