"""Certificates: a small CA hierarchy, and Fulcio's leaves with an embedded SCT.

Extensions: https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
SCT: https://www.rfc-editor.org/rfc/rfc6962#section-3.2
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.sigstore_service.encoding import der_length, der_utf8, sha256, spki
from tests.sigstore_service.faults import Faults

_FULCIO = "1.3.6.1.4.1.57264.1."
_SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")

# claim -> (raw extension, DER extension, prefix of the DER value)
_GITHUB_CLAIMS: dict[str, tuple[int | None, int | None, str]] = {
    "event_name": (2, 20, ""),
    "sha": (3, 13, ""),
    "workflow": (4, None, ""),
    "repository": (5, 12, "https://github.com/"),
    "ref": (6, 14, ""),
    "job_workflow_ref": (None, 9, "https://github.com/"),
    "job_workflow_sha": (None, 10, ""),
    "runner_environment": (None, 11, ""),
    "repository_owner": (None, 16, "https://github.com/"),
}


def name(common_name: str) -> x509.Name:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "private.sigstore")
    return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def key_usage(*, signature: bool = False, issues: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(signature, False, False, False, False, issues, issues, False, False)


class Issuer:
    """A CA certificate and its key."""

    def __init__(self, common_name: str, parent: Issuer | None = None, *, code_signing: bool = False) -> None:
        self.key = ec.generate_private_key(ec.SECP384R1())
        signer = parent or self
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(common_name))
            .issuer_name(parent.certificate.subject if parent else name(common_name))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=30))
            .not_valid_after(now + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0 if parent else 1), critical=True)
            .add_extension(key_usage(issues=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False)
        )
        if code_signing:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
            builder = builder.add_extension(usage, critical=False)
        self.certificate: x509.Certificate = builder.sign(signer.key, hashes.SHA384())

    def leaf(self, key: Any, start: datetime, lifetime: timedelta) -> x509.CertificateBuilder:
        """The parts that every end-entity certificate of this CA has."""
        return (
            x509.CertificateBuilder()
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + lifetime)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )


class Fulcio:
    def __init__(self) -> None:
        self.root = Issuer("private-root")
        self.intermediate = Issuer("private-intermediate", self.root, code_signing=True)
        self.ct_key = ec.generate_private_key(ec.SECP256R1())

    def issue(self, csr: x509.CertificateSigningRequest, claims: dict[str, Any], faults: Faults) -> x509.Certificate:
        """A ten minute certificate for the token's identity. Raises ValueError when the CSR proves nothing."""
        if not csr.is_signature_valid:
            raise ValueError("the CSR does not prove possession of its key")
        start = datetime.now(UTC).replace(microsecond=0) + faults.certificate_shift
        builder = self.intermediate.leaf(csr.public_key(), start, timedelta(minutes=10)).subject_name(x509.Name([]))
        builder = builder.add_extension(key_usage(signature=not faults.omit_digital_signature), critical=True)
        usage = ExtendedKeyUsageOID.EMAIL_PROTECTION if faults.omit_code_signing else ExtendedKeyUsageOID.CODE_SIGNING
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        names: list[x509.GeneralName] = [_identity(claims)]
        if faults.second_san:
            names.append(x509.RFC822Name(faults.second_san))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
        if not faults.omit_issuer:
            builder = _fulcio(builder, 1, claims["iss"].encode())
            builder = _fulcio(builder, 8, der_utf8(claims["iss"]))
        for claim, (raw, encoded, prefix) in _GITHUB_CLAIMS.items():
            if claim in claims:
                builder = _fulcio(builder, raw, claims[claim].encode())
                builder = _fulcio(builder, encoded, der_utf8(prefix + claims[claim]))
        return self._with_sct(builder, faults)

    def _with_sct(self, builder: x509.CertificateBuilder, faults: Faults) -> x509.Certificate:
        precertificate = builder.sign(self.intermediate.key, hashes.SHA384())
        if faults.omit_sct:
            return precertificate
        tbs = precertificate.tbs_certificate_bytes
        milliseconds = int(datetime.now(UTC).timestamp() * 1000)
        entry = sha256(spki(self.intermediate.key.public_key())) + struct.pack("!I", len(tbs))[1:] + tbs
        signed = struct.pack("!BBQH", 0, 0, milliseconds, 1) + entry + b"\0\0"
        key = ec.generate_private_key(ec.SECP256R1()) if faults.forge_sct else self.ct_key
        signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        sct = b"\0" + sha256(spki(self.ct_key.public_key())) + struct.pack("!Q", milliseconds) + b"\0\0"
        sct += b"\x04\x03" + struct.pack("!H", len(signature)) + signature
        listed = struct.pack("!HH", len(sct) + 2, len(sct)) + sct
        extension = x509.UnrecognizedExtension(_SCT_LIST, b"\x04" + der_length(len(listed)) + listed)
        return builder.add_extension(extension, critical=False).sign(self.intermediate.key, hashes.SHA384())


def _identity(claims: dict[str, Any]) -> x509.GeneralName:
    if "email" in claims:
        return x509.RFC822Name(claims["email"])
    if "job_workflow_ref" in claims:
        return x509.UniformResourceIdentifier("https://github.com/" + claims["job_workflow_ref"])
    return x509.UniformResourceIdentifier(claims["sub"])


def _fulcio(builder: x509.CertificateBuilder, number: int | None, value: bytes) -> x509.CertificateBuilder:
    if number is None:
        return builder
    extension = x509.UnrecognizedExtension(ObjectIdentifier(f"{_FULCIO}{number}"), value)
    return builder.add_extension(extension, critical=False)
