"""The first steps of a verification: who made this signature, and when."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sbomkit.attest.algorithms import hashes_of, verifies_digest
from sbomkit.attest.bundle import Bundle, MessageSignature, SimpleSigning
from sbomkit.attest.certificate import (
    Identity,
    certificate_key,
    check_certificate,
    issuer_name,
    read_certificate,
    read_identity,
)
from sbomkit.attest.dsse import Envelope
from sbomkit.attest.keys import PublicKey
from sbomkit.attest.log import check_entries
from sbomkit.attest.logbody import Material
from sbomkit.attest.policy import IdentityPolicy, KeyPolicy, Who
from sbomkit.attest.reasons import NotTaken, Reason
from sbomkit.attest.target import Target
from sbomkit.attest.times import VerifiedTime, check_timestamps
from sbomkit.attest.trust import TrustedRoot

# refusals that only say "not of this instance": with several roots, another root's word is the better one
_ELSEWHERE = frozenset(
    {
        Reason.CERTIFICATE_UNTRUSTED,
        Reason.LOG_ENTRY_MISSING,
        Reason.LOG_UNKNOWN,
        Reason.TIMESTAMP_ONLY,
        Reason.TIMESTAMP_UNTRUSTED,
    }
)
_NAMES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}


@dataclass(frozen=True, slots=True)
class Proven:
    """A signature's maker and its verified times, earliest first."""

    signer: Identity | str
    times: tuple[VerifiedTime, ...]
    log_indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature, and the bytes that it is over: whole, or by their digests."""

    signature: bytes
    digests: dict[str, bytes]
    message: bytes | None

    def is_by(self, key: PublicKey) -> bool:
        return verifies_digest(key, self.signature, self.digests, self.message)


def prove(bundle: Bundle, target: Target, who: Who, roots: tuple[TrustedRoot, ...]) -> Proven:
    """Raises NotTaken. With several roots a bundle must satisfy one of them alone; roots are never mixed."""
    if isinstance(who, KeyPolicy):
        return _prove_key(bundle, target, who, roots)
    return _prove_identity(bundle, target, who, roots)


def _signed(bundle: Bundle, target: Target, keys: Iterable[PublicKey]) -> Signed:
    hashes = sorted({name for key in keys for name in hashes_of(key.kind)})
    content = bundle.content
    if isinstance(content, Envelope):
        if len(content.signatures) != 1:
            raise NotTaken(Reason.SIGNATURE_COUNT, f"the envelope has {len(content.signatures)} signatures, not one")
        return _whole(content.signatures[0], content.signed_bytes(), hashes)
    if isinstance(content, SimpleSigning):
        return _whole(content.signature, content.payload, hashes)
    return _artifact(content, target)


def _whole(signature: bytes, message: bytes, hashes: Iterable[str]) -> Signed:
    digests = {name: hashlib.new(name, message).digest() for name in hashes}
    return Signed(signature, digests, message)


def _artifact(content: MessageSignature, target: Target) -> Signed:
    """A signature straight over the target. The bundle's own digest must agree where it can be compared."""
    digests = {digest.algorithm: bytes.fromhex(digest.hex) for digest in target.digests}
    if content.digest:
        ours = digests.get(_NAMES.get(content.algorithm, ""))
        if ours is not None and ours != content.digest:
            raise NotTaken(Reason.SUBJECT_MISMATCH, f"the signature is of {content.digest.hex()}, not of {target}")
    return Signed(content.signature, digests, target.content)


def _needs_bytes(signed: Signed, key: PublicKey) -> bool:
    """True when this key's signatures cannot be checked with what is known of the artifact."""
    if key.kind == "ed25519":
        return signed.message is None
    return not signed.digests.keys() & set(hashes_of(key.kind))


def _prove_key(bundle: Bundle, target: Target, who: KeyPolicy, roots: tuple[TrustedRoot, ...]) -> Proven:
    if bundle.certificate is not None:
        raise NotTaken(Reason.KEY_DEMANDED, "signed with a certificate, where a signature by a given key is demanded")
    signed = _signed(bundle, target, who.keys)
    key = next((key for key in who.keys if signed.is_by(key)), None)
    if key is None:
        raise _not_by(bundle, signed, who)
    if who.ignore_log:
        return Proven(key.fingerprint, (), ())
    if who.require_log and not bundle.entries:
        raise NotTaken(Reason.LOG_ENTRY_MISSING, "no log entry, and one is demanded")
    material = _material(bundle, signed, key.der)
    times = _in_any(bundle, material, roots)
    if who.require_timestamp and not times:
        raise NotTaken(Reason.TIMESTAMP_MISSING, "nobody vouches for when this was signed, and that is demanded")
    return Proven(key.fingerprint, times, tuple(entry.index for entry in bundle.entries))


def _not_by(bundle: Bundle, signed: Signed, who: KeyPolicy) -> NotTaken:
    """Why no key fits: another key by its hint, artifact bytes missing, or a signature that is not over these bytes."""
    if any(_needs_bytes(signed, key) for key in who.keys):
        return NotTaken(Reason.ARTIFACT_NEEDED, "this kind of key signs the artifact's bytes; its digest does not do")
    hinted = [key for key in who.keys if bundle.key_hint in (key.hint, key.fingerprint)]
    if hinted:
        return NotTaken(Reason.SIGNATURE_INVALID, f"the signature is not over these bytes by key {hinted[0].hint}")
    names = ", ".join(key.fingerprint for key in who.keys)
    return NotTaken(Reason.WRONG_KEY, f"the signature is not by any of the given keys ({names})")


def _in_any(bundle: Bundle, material: Material, roots: tuple[TrustedRoot, ...]) -> tuple[VerifiedTime, ...]:
    refused: NotTaken | None = None
    for root in roots or (None,):
        try:
            return _times(bundle, material, root)
        except NotTaken as refusal:
            refused = _better(refused, refusal)
    raise refused or NotTaken(Reason.LOG_UNKNOWN, "there is no trusted root")


def _better(before: NotTaken | None, after: NotTaken) -> NotTaken:
    return after if before is None or (before.reason in _ELSEWHERE and after.reason not in _ELSEWHERE) else before


def _times(bundle: Bundle, material: Material, root: TrustedRoot | None) -> tuple[VerifiedTime, ...]:
    stamps = check_timestamps(bundle.timestamps, bundle.stamped, root)
    return tuple(sorted(stamps + check_entries(bundle, material, root)))


def _material(bundle: Bundle, signed: Signed, signer: bytes) -> Material:
    content = bundle.content
    if isinstance(content, Envelope):
        envelope = bundle.raw if bundle.promise_suffices else None
        return Material(
            signed.signature, signer, signed.digests, content.payload, content.payload_type, envelope=envelope
        )
    return Material(signed.signature, signer, signed.digests)


def _prove_identity(bundle: Bundle, target: Target, who: IdentityPolicy, roots: tuple[TrustedRoot, ...]) -> Proven:
    if bundle.certificate is None:
        raise NotTaken(Reason.CERTIFICATE_DEMANDED, "signed by a key, where a certificate's identity is demanded")
    certificate = read_certificate(bundle.certificate)
    key = certificate_key(certificate)
    signed = _signed(bundle, target, [key])
    if not signed.is_by(key):
        if _needs_bytes(signed, key):
            raise NotTaken(Reason.ARTIFACT_NEEDED, "the artifact itself is needed: its digest alone does not do")
        raise NotTaken(Reason.SIGNATURE_INVALID, "the signature is not over these bytes by the certificate's key")
    material = _material(bundle, signed, bundle.certificate)
    refused: NotTaken | None = None
    for root in roots:
        try:
            _demand_evidence(bundle, root, issuer_name(certificate))
            times = _times(bundle, material, root)
            if not times:
                raise NotTaken(Reason.TIME_MISSING, "nobody vouches for when this was signed, by log or timestamp")
            check_certificate(certificate, root, tuple(time.time for time in times))
        except NotTaken as refusal:
            refused = _better(refused, refusal)
            continue
        identity = read_identity(certificate)
        who.check(identity)
        return Proven(identity, times, tuple(entry.index for entry in bundle.entries))
    raise refused or NotTaken(Reason.CERTIFICATE_UNTRUSTED, "there is no trusted root")


def _demand_evidence(bundle: Bundle, root: TrustedRoot, issuer: str) -> None:
    """An instance that runs a log logs every signature; one without a log has timestamps instead."""
    if bundle.entries or not root.logs:
        return
    if bundle.timestamps:
        raise NotTaken(
            Reason.TIMESTAMP_ONLY,
            f"only a timestamp and no log entry, by a signer under {issuer!r}; {root.label} demands a log entry."
            " Give the trusted root of that authority",
        )
    raise NotTaken(Reason.LOG_ENTRY_MISSING, "no log entry, and no timestamp either")
