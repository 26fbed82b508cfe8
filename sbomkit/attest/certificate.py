"""Signing certificates: is this one of the root's, was it valid then, and whom does it name?

Profile and extensions: https://github.com/sigstore/fulcio/blob/main/docs/certificate-specification.md, docs/oid-info.md
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from sbomkit.attest.keys import PublicKey, public_key
from sbomkit.attest.reasons import NotTaken, Reason
from sbomkit.errors import UsageError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, Extensions
    from cryptography.x509.verification import ClientVerifier

    from sbomkit.attest.trust import TrustedRoot

_ARC = "1.3.6.1.4.1.57264.1."
_ISSUER, _ISSUER_V2, _OTHER_NAME = 1, 8, 7
# claims as raw text (older), and as a DER string (newer)
_RAW_CLAIMS = {
    2: "github-workflow-trigger",
    3: "github-workflow-sha",
    4: "github-workflow-name",
    5: "github-workflow-repository",
    6: "github-workflow-ref",
}
_DER_CLAIMS = {
    9: "build-signer-uri",
    10: "build-signer-digest",
    11: "runner-environment",
    12: "source-repository-uri",
    13: "source-repository-digest",
    14: "source-repository-ref",
    15: "source-repository-identifier",
    16: "source-repository-owner-uri",
    17: "source-repository-owner-identifier",
    18: "build-config-uri",
    19: "build-config-digest",
    20: "build-trigger",
    21: "run-invocation-uri",
    22: "source-repository-visibility",
}
CLAIMS = frozenset(_RAW_CLAIMS.values()) | frozenset(_DER_CLAIMS.values())
# where a newer certificate no longer has the older claim: the newer one, and the prefix to take off
_SUCCESSORS = {
    "github-workflow-trigger": ("build-trigger", ""),
    "github-workflow-sha": ("source-repository-digest", ""),
    "github-workflow-repository": ("source-repository-uri", "https://github.com/"),
    "github-workflow-ref": ("source-repository-ref", ""),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a certificate names. The issuer is who vouched for the identity; one means nothing without the other."""

    subject: str
    issuer: str
    claims: tuple[tuple[str, str], ...] = ()

    def claim(self, name: str) -> str | None:
        known = dict(self.claims)
        if name in known:
            return known[name]
        newer, prefix = _SUCCESSORS.get(name, ("", ""))
        value = known.get(newer)
        return value.removeprefix(prefix) if value is not None and value.startswith(prefix) else None


def unreadable() -> tuple[type[Exception], ...]:
    """All that `cryptography` raises for a certificate whose bytes are off; some of it is no ValueError."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    return (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    )


def read_certificate(der: bytes) -> Certificate:
    """Raises NotTaken for bytes that are no certificate, or whose extensions cannot be read."""
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(der)
        list(certificate.extensions)
        certificate.public_key()
    except unreadable() as error:
        raise NotTaken(Reason.CERTIFICATE_PROFILE, f"the certificate cannot be read: {error}") from error
    return certificate


def certificate_key(certificate: Certificate) -> PublicKey:
    try:
        return public_key(certificate.public_key(), "the certificate")
    except UsageError as error:
        raise NotTaken(Reason.CERTIFICATE_PROFILE, error.message) from error


def issuer_name(certificate: Certificate) -> str:
    try:
        return certificate.issuer.rfc4514_string()
    except ValueError:
        return "an unreadable issuer"


def check_certificate(leaf: Certificate, root: TrustedRoot, times: tuple[datetime, ...]) -> None:
    """Every verified time must fall into the certificate's validity, and into that of a chain to the root.

    Then the certificate transparency log's word (where the instance has one), and the uses the certificate is for.
    """
    for time in times:
        if not _is_valid(leaf, time):
            span = f"{leaf.not_valid_before_utc:%FT%TZ} to {leaf.not_valid_after_utc:%FT%TZ}"
            raise NotTaken(Reason.CERTIFICATE_EXPIRED, f"signed at {time:%FT%TZ}, but the certificate was valid {span}")
    issuers = _issuers(leaf, root, times)
    _check_sct(leaf, issuers, root)
    _check_uses(leaf)


def _is_valid(certificate: Certificate, time: datetime) -> bool:
    return certificate.not_valid_before_utc <= time <= certificate.not_valid_after_utc


def _issuers(leaf: Certificate, root: TrustedRoot, times: tuple[datetime, ...]) -> list[Certificate]:
    """The issuers of `leaf`, nearest first, by an authority that was in service at all of the times."""
    from cryptography.x509 import UnsupportedGeneralNameType
    from cryptography.x509.verification import VerificationError

    problem = "no authority of it was in service then"
    for authority in root.authorities:
        if not all(authority.window.holds(time) for time in times):
            continue
        try:
            issuers = _path(leaf, authority.chain, times[0])
        except (VerificationError, UnsupportedGeneralNameType, ValueError) as error:
            problem = str(error)
            continue
        # signatures do not depend on the time: for further times only the validity of each certificate is left to ask
        if all(_is_valid(certificate, time) for certificate in authority.chain for time in times):
            return issuers
        problem = "one of its issuers was not valid then"
    raise NotTaken(
        Reason.CERTIFICATE_UNTRUSTED,
        f"the certificate of {issuer_name(leaf)!r} does not chain to {root.label}: {problem}",
    )


def _path(leaf: Certificate, chain: tuple[Certificate, ...], time: datetime) -> list[Certificate]:
    """The verified issuers of `leaf`, up to the chain's root; or up to its issuing certificate alone.

    The latter for authorities whose upper certificates do not follow web PKI's rules for extensions: the root of trust
    names all of the chain, so what is left to ask of the upper ones is that each has issued the next.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.x509.verification import VerificationError

    try:
        return _path_builder(chain[-1], time).verify(leaf, list(chain[:-1])).chain[1:]
    except VerificationError:
        if len(chain) == 1:
            raise
    try:
        for issued, issuer in pairwise(chain):
            issued.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError) as error:
        raise ValueError("the authority's certificates have not issued each other") from error
    return [*_path_builder(chain[0], time).verify(leaf, []).chain[1:], *chain[1:]]


def _path_builder(anchor: Certificate, time: datetime) -> ClientVerifier:
    """Web PKI's rules, except that leaves are for code signing instead of TLS; that use is checked on its own."""
    from cryptography.x509 import ExtendedKeyUsage
    from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store

    any_use = (ExtendedKeyUsage, Criticality.NON_CRITICAL, None)
    ca_policy = ExtensionPolicy.webpki_defaults_ca().may_be_present(*any_use)
    leaf_policy = ExtensionPolicy.webpki_defaults_ee().may_be_present(*any_use)
    builder = PolicyBuilder().store(Store([anchor])).time(time)
    return builder.extension_policies(ca_policy=ca_policy, ee_policy=leaf_policy).build_client_verifier()


def _check_sct(leaf: Certificate, chain: list[Certificate], root: TrustedRoot) -> None:
    from cryptography.x509 import ExtensionNotFound, PrecertificateSignedCertificateTimestamps
    from sigstore._internal.sct import verify_sct
    from sigstore.errors import VerificationError

    if root.ct_keyring is None:
        return
    try:
        leaf.extensions.get_extension_for_class(PrecertificateSignedCertificateTimestamps)
    except ExtensionNotFound as error:
        raise NotTaken(
            Reason.SCT_MISSING, "the certificate carries no promise of a certificate transparency log (SCT)"
        ) from error
    try:
        verify_sct(leaf, chain, root.ct_keyring)
    except (VerificationError, ValueError) as error:
        raise NotTaken(Reason.SCT_INVALID, f"the certificate's SCT is not valid: {error}") from error


def _check_uses(leaf: Certificate) -> None:
    from cryptography.x509 import BasicConstraints, ExtendedKeyUsage, ExtensionNotFound, KeyUsage
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usage = leaf.extensions.get_extension_for_class(KeyUsage).value
        extended = leaf.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound as error:
        raise NotTaken(Reason.CERTIFICATE_PROFILE, f"the certificate does not say what it is for: {error}") from error
    if not usage.digital_signature or ExtendedKeyUsageOID.CODE_SIGNING not in extended:
        raise NotTaken(Reason.CERTIFICATE_PROFILE, "the certificate is not for code signatures")
    try:
        authority = leaf.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return
    if authority:
        raise NotTaken(Reason.CERTIFICATE_PROFILE, "the certificate is an authority's, not a signer's")


def read_identity(certificate: Certificate) -> Identity:
    """Whom the certificate names. Raises NotTaken unless it names exactly one identity and its issuer."""
    extensions = certificate.extensions
    subjects = _subjects(extensions)
    if len(subjects) != 1:
        raise NotTaken(Reason.CERTIFICATE_PROFILE, f"the certificate names {len(subjects)} identities instead of one")
    older, newer = _raw(extensions, _ISSUER), _der(extensions, _ISSUER_V2)
    issuer = newer if newer is not None else older
    if not issuer or (older is not None and older != issuer):
        raise NotTaken(Reason.CERTIFICATE_PROFILE, "the certificate names no issuer of its identity, or two")
    claims = {name: _raw(extensions, number) for number, name in _RAW_CLAIMS.items()}
    claims |= {name: _der(extensions, number) for number, name in _DER_CLAIMS.items()}
    found = tuple(sorted((name, value) for name, value in claims.items() if value is not None))
    return Identity(subjects[0], issuer, found)


def _subjects(extensions: Extensions) -> list[str]:
    from cryptography.x509 import ExtensionNotFound, OtherName, SubjectAlternativeName

    try:
        names = extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return []
    found: list[str] = []
    for name in names:
        if isinstance(name, OtherName):
            if name.type_id.dotted_string == f"{_ARC}{_OTHER_NAME}":
                found.append(_decode_der(name.value))
        elif isinstance(name.value, str):
            found.append(name.value)
    return found


def _value(extensions: Extensions, number: int) -> bytes | None:
    from cryptography.x509 import ExtensionNotFound, ObjectIdentifier, UnrecognizedExtension

    try:
        value = extensions.get_extension_for_oid(ObjectIdentifier(f"{_ARC}{number}")).value
    except ExtensionNotFound:
        return None
    return value.value if isinstance(value, UnrecognizedExtension) else None


def _raw(extensions: Extensions, number: int) -> str | None:
    value = _value(extensions, number)
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotTaken(Reason.CERTIFICATE_PROFILE, f"extension {_ARC}{number} is not text") from error


def _der(extensions: Extensions, number: int) -> str | None:
    value = _value(extensions, number)
    return None if value is None else _decode_der(value)


def _decode_der(value: bytes) -> str:
    from cryptography.hazmat import asn1

    try:
        return asn1.decode_der(str, value)
    except ValueError as error:
        raise NotTaken(Reason.CERTIFICATE_PROFILE, "an extension of the certificate is not a DER string") from error
