"""Signers: something that turns a statement, or an artifact, into a bundle.

A key may be held here (`KeySigner`) or behind a URI (`uri_signer`: KMS, HSM, Vault); a log entry and a timestamp for it
are the `Witness`'s, and optional. Signers without a key of their own are in `keyless`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from sbomkit.attest import algorithms
from sbomkit.attest.bundle import Bundle, MessageSignature, read_bundle, write_bundle
from sbomkit.attest.dsse import Envelope, pre_authentication_encoding
from sbomkit.attest.keys import PrivateKey, PublicKey, load_public_key
from sbomkit.attest.reasons import Refusal
from sbomkit.attest.statement import PAYLOAD_TYPE, Statement
from sbomkit.attest.target import Target
from sbomkit.attest.witness import Witness
from sbomkit.errors import CannotCheck, UsageError

_SERVICE_ERRORS = (
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
    ("google.api_core.exceptions", "GoogleAPIError"),
    ("google.auth.exceptions", "GoogleAuthError"),
    ("azure.core.exceptions", "AzureError"),
    ("hvac.exceptions", "VaultError"),
    ("requests.exceptions", "RequestException"),
    ("PyKCS11", "PyKCS11Error"),
)


class Signer(Protocol):
    """All that signing needs to know of a signer. Both raise SbomkitError when nothing could be signed."""

    def sign_statement(self, statement: Statement) -> Bundle: ...

    def sign_target(self, target: Target) -> Bundle: ...


@dataclass(frozen=True, slots=True)
class KeySigner:
    """Signs by a key, with `witness` to log and timestamp it where that is wanted."""

    public: PublicKey
    sign_bytes: Callable[[bytes], bytes]
    sign_digest: Callable[[bytes], bytes] | None = None
    """For artifacts that are known by digest only; takes the digest that `digest_algorithm` names."""
    witness: Witness | None = None

    @classmethod
    def of(cls, key: PrivateKey, witness: Witness | None = None) -> KeySigner:
        """A signer for a key at hand.

        Statements are hashed by SHA-256 even for P-384, since cosign and npm's verifier know no other hash for DSSE;
        only a version 2 log insists on the registry's SHA-384.
        """
        by_digest = None if key.public.kind == "ed25519" else lambda digest: algorithms.sign_digest(key, digest)
        hash_name = None if witness is not None and witness.is_version_2 else "sha256"
        return cls(key.public, lambda message: algorithms.sign(key, message, hash_name), by_digest, witness)

    def sign_statement(self, statement: Statement) -> Bundle:
        message = pre_authentication_encoding(PAYLOAD_TYPE, statement.raw)
        envelope = Envelope(statement.raw, PAYLOAD_TYPE, (self.sign_bytes(message),))
        return self._bundle(envelope, envelope.signatures[0], lambda: Target.of_bytes(message))

    def sign_target(self, target: Target) -> Bundle:
        name = algorithms.digest_algorithm(self.public.kind)
        digest = target.digest(name)
        if digest is None or (target.content is None and self.sign_digest is None):
            needed = "the artifact itself" if digest is None or self.public.kind == "ed25519" else "its bytes"
            raise UsageError(f"a key of kind {self.public.kind} needs {needed} to sign, not a digest of it")
        raw = bytes.fromhex(digest.hex)
        signature = self.sign_digest(raw) if self.sign_digest else self.sign_bytes(target.content or b"")
        return self._bundle(MessageSignature(signature, algorithms.DIGEST_NAMES[name], raw), signature, lambda: target)

    def _bundle(self, content: Envelope | MessageSignature, signature: bytes, signed: Callable[[], Target]) -> Bundle:
        entries: tuple[Mapping[str, Any], ...] = ()
        timestamps: tuple[bytes, ...] = ()
        if self.witness is not None:
            timestamps = self.witness.timestamp(signature)
            entries = self.witness.log(self.public, signature, signed(), content)
        return reread(write_bundle(content, {"publicKey": {"hint": self.public.hint}}, entries, timestamps))


def reread(raw: bytes) -> Bundle:
    """What we wrote, read back by the rules for everybody's bundles."""
    bundle = read_bundle(raw, "new bundle")
    if isinstance(bundle, Refusal):
        raise CannotCheck(f"the new bundle would not be readable: {bundle.message}")
    return bundle


def uri_signer(uri: str, public: PublicKey | None = None, witness: Witness | None = None) -> KeySigner:
    """A signer for a key behind a securesystemslib URI: awskms:, gcpkms:, azurekms:, hv:, hsm:, file2:.

    `public` may be left out where the service tells it (awskms, gcpkms). Raises UsageError, CannotCheck.
    """
    scheme, _, rest = uri.partition(":")
    try:
        from securesystemslib.exceptions import Error, UnsupportedLibraryError
    except ImportError as error:
        raise CannotCheck("securesystemslib is needed for keys by URI", hint="pip install 'sbomkit[kms]'") from error
    # the package re-exports these without saying so, and its table of schemes is untyped
    library: Any = import_module("securesystemslib.signer")
    if scheme not in library.SIGNER_FOR_URI_SCHEME:
        known = ", ".join(sorted(library.SIGNER_FOR_URI_SCHEME))
        raise UsageError(f"{scheme!r} is no scheme of a key", hint=f"one of: {known}")
    importers: dict[str, Callable[[str], tuple[str, Any]]] = {
        library.AWSSigner.SCHEME: library.AWSSigner.import_,
        library.GCPSigner.SCHEME: library.GCPSigner.import_,
    }
    try:
        if public is None:
            if scheme not in importers:
                raise UsageError(f"the public key of {uri} is needed too", hint="give its PEM file")
            uri, key = importers[scheme](rest.removeprefix("//"))
            public = load_public_key(key.keyval["public"].encode(), uri)
        named = library.SSlibKey.from_crypto(public.raw, scheme=_scheme(public.kind))
        held = library.SIGNER_FOR_URI_SCHEME[scheme].from_priv_key_uri(uri, named)
    except UnsupportedLibraryError as error:
        raise CannotCheck(f"{uri}: {error}", hint="pip install 'sbomkit[kms]'") from error
    except _failures(Error) as error:
        raise CannotCheck(f"cannot use the key {uri}: {error}") from error

    def sign_bytes(message: bytes) -> bytes:
        try:
            return bytes.fromhex(held.sign(message).signature)
        except _failures(Error) as error:
            raise CannotCheck(f"the key {uri} did not sign: {error}") from error

    return KeySigner(public, sign_bytes, None, witness)


def _failures(library_error: type[Exception]) -> tuple[type[Exception], ...]:
    """And what the services' own libraries raise, as far as they are loaded: they share no class, none is required."""
    found = (getattr(sys.modules.get(module), name, None) for module, name in _SERVICE_ERRORS)
    return (ValueError, OSError, library_error, *(error for error in found if error is not None))


def _scheme(kind: str) -> str:
    """securesystemslib's name of the algorithm that we sign with."""
    if kind.startswith("rsa-"):
        return "rsa-pkcs1v15-sha256"
    return {"ecdsa-p256": "ecdsa-sha2-nistp256", "ecdsa-p384": "ecdsa-sha2-nistp384", "ed25519": "ed25519"}[kind]
