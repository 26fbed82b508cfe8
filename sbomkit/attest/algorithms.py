"""Which signature each kind of key makes, after sigstore's registry; the arithmetic is `cryptography`'s.

https://github.com/sigstore/architecture-docs/blob/main/algorithm-registry.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sbomkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding

    from sbomkit.attest.keys import PrivateKey, PublicKey

DIGEST_NAMES = {"sha256": "SHA2_256", "sha384": "SHA2_384", "sha512": "SHA2_512"}


def digest_algorithm(kind: str) -> str:
    """The hash that a key of this kind signs with; Ed25519 hashes by itself, and its artifacts are named by SHA-256."""
    return "sha384" if kind == "ecdsa-p384" else "sha256"


def key_details(kind: str) -> str:
    """The registry's name of the algorithm, as log entries hold it."""
    if kind.startswith("rsa-"):
        return f"PKIX_RSA_PKCS1V15_{kind.removeprefix('rsa-')}_SHA256"
    return {
        "ecdsa-p256": "PKIX_ECDSA_P256_SHA_256",
        "ecdsa-p384": "PKIX_ECDSA_P384_SHA_384",
        "ed25519": "PKIX_ED25519",
    }[kind]


def sign(key: PrivateKey, message: bytes, hash_name: str | None = None) -> bytes:
    """Sign a message: DER for ECDSA, PKCS#1 v1.5 for RSA (what cosign and npm's verifier expect).

    `hash_name` overrides the registry's hash for ECDSA.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

    if isinstance(key.raw, ed25519.Ed25519PrivateKey):
        return key.raw.sign(message)
    algorithm = _hash(hash_name or digest_algorithm(key.public.kind))
    if isinstance(key.raw, ec.EllipticCurvePrivateKey):
        return key.raw.sign(message, ec.ECDSA(algorithm))
    return key.raw.sign(message, padding.PKCS1v15(), algorithm)


def sign_digest(key: PrivateKey, digest: bytes) -> bytes:
    """Sign a message that is known by its digest only, of the algorithm that `digest_algorithm` names for the key."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, utils

    algorithm = utils.Prehashed(_hash(digest_algorithm(key.public.kind)))
    if isinstance(key.raw, ed25519.Ed25519PrivateKey):
        raise UsageError("an Ed25519 key signs bytes, not digests")
    if isinstance(key.raw, ec.EllipticCurvePrivateKey):
        return key.raw.sign(digest, ec.ECDSA(algorithm))
    return key.raw.sign(digest, padding.PKCS1v15(), algorithm)


def verifies_digest(
    key: PublicKey, signature: bytes, digests: Mapping[str, bytes], message: bytes | None = None
) -> bool:
    """Did this key sign this message? The message may be known by its digests only (then Ed25519 cannot: False).

    RSA may pad either way, and P-384 may hash by SHA-256, as cosign does.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

    attempts: Iterator[tuple[Any, ...]]
    if isinstance(key.raw, ed25519.Ed25519PublicKey):
        attempts = iter([(message,)] if message is not None else [])
    elif isinstance(key.raw, ec.EllipticCurvePublicKey):
        attempts = (
            (digests[name], ec.ECDSA(utils.Prehashed(_hash(name)))) for name in hashes_of(key.kind) if name in digests
        )
    else:
        attempts = (
            (digests[name], pad, utils.Prehashed(_hash(name)))
            for name in hashes_of(key.kind)
            if name in digests
            for pad in _paddings(name)
        )
    verify: Any = key.raw.verify
    for words in attempts:
        try:
            verify(signature, *words)
        except InvalidSignature:
            continue
        return True
    return False


def hashes_of(kind: str) -> tuple[str, ...]:
    """The hashes that a key of this kind may have signed with."""
    return ("sha384", "sha256") if kind == "ecdsa-p384" else ("sha256",)


def _paddings(name: str) -> tuple[AsymmetricPadding, ...]:
    from cryptography.hazmat.primitives.asymmetric import padding

    pss = padding.PSS(padding.MGF1(_hash(name)), padding.PSS.AUTO)
    return padding.PKCS1v15(), pss


def _hash(name: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    return {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}[name]
