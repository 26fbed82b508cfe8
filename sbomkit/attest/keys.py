"""Keys that people hold themselves: reading, making and naming them.

PEM and PKCS#8 are read by `cryptography`; cosign's own encrypted files are scrypt and NaCl's secretbox over PKCS#8
(https://github.com/sigstore/cosign/blob/main/specs/PASSWORD_ENCRYPTION.md), opened by hashlib and PyNaCl.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sbomkit.attest.strictjson import JsonError, parse, unbase64
from sbomkit.errors import CannotCheck, CorruptInput, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

    RawPublic = EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey
    RawPrivate = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey

KINDS = ("ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096")
_MAX_KEY_FILE = 1 << 20
_MIN_RSA_BITS = 2048
_COSIGN = re.compile(
    rb"\s*-----BEGIN (ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY)-----\s+([A-Za-z0-9+/=\s]+)-----END \1-----\s*\Z"
)
# cosign writes N=65536, r=8, p=1; a file may ask for more, but not for a gigabyte
_MAX_SCRYPT_MEMORY = 256 << 20


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that signatures are checked against, and its kind."""

    raw: RawPublic
    kind: str

    @property
    def der(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self.raw.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def pem(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self.raw.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def hint(self) -> str:
        """Base64 of the SHA-256 of the DER key: what sigstore clients write as a bundle's hint."""
        return base64.b64encode(hashlib.sha256(self.der).digest()).decode()

    @property
    def fingerprint(self) -> str:
        return f"sha256:{hashlib.sha256(self.der).hexdigest()}"


@dataclass(frozen=True, slots=True)
class PrivateKey:
    raw: RawPrivate
    public: PublicKey

    def pem(self, password: bytes | None) -> bytes:
        """PKCS#8, encrypted when there is a password."""
        from cryptography.hazmat.primitives import serialization

        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            encryption = serialization.BestAvailableEncryption(password)
        return self.raw.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def generate_key(kind: str = "ecdsa-p256") -> PrivateKey:
    """A new key pair. Raises UsageError for an unknown kind."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    raw: RawPrivate
    if kind == "ecdsa-p256":
        raw = ec.generate_private_key(ec.SECP256R1())
    elif kind == "ecdsa-p384":
        raw = ec.generate_private_key(ec.SECP384R1())
    elif kind == "ed25519":
        raw = ed25519.Ed25519PrivateKey.generate()
    elif kind in KINDS:
        raw = rsa.generate_private_key(65537, int(kind.removeprefix("rsa-")))
    else:
        raise UsageError(f"no key of kind {kind!r}", hint=f"one of: {', '.join(KINDS)}")
    return PrivateKey(raw, PublicKey(raw.public_key(), kind))


def load_public_key(data: bytes, origin: str = "key") -> PublicKey:
    """Read a PEM or DER public key (SubjectPublicKeyInfo).

    Raises CorruptInput for what is no public key, UsageError for a private key and for kinds that are not supported.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    if b"PRIVATE KEY-----" in data[:_MAX_KEY_FILE]:
        raise UsageError(f"{origin} is a private key", hint="verification takes the public key; keep the other secret")
    if b"BEGIN CERTIFICATE-----" in data[:_MAX_KEY_FILE]:
        raise UsageError(f"{origin} is a certificate, not a public key")
    load = serialization.load_pem_public_key if b"-----BEGIN" in data else serialization.load_der_public_key
    try:
        return public_key(load(data[:_MAX_KEY_FILE]), origin)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CorruptInput(f"{origin} is not a public key in PEM or DER: {error}") from error


def public_key(raw: object, origin: str) -> PublicKey:
    """Name the kind of a key that `cryptography` has read. Raises UsageError for kinds that are not supported."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(raw, ed25519.Ed25519PublicKey):
        return PublicKey(raw, "ed25519")
    if isinstance(raw, ec.EllipticCurvePublicKey) and raw.curve.name in ("secp256r1", "secp384r1"):
        return PublicKey(raw, f"ecdsa-p{raw.curve.key_size}")
    if isinstance(raw, rsa.RSAPublicKey) and raw.key_size >= _MIN_RSA_BITS:
        return PublicKey(raw, f"rsa-{raw.key_size}")
    supported = "ECDSA P-256 and P-384, Ed25519, and RSA of 2048 bits or more"
    raise UsageError(f"{origin} holds a key of a kind that is not supported", hint=f"supported: {supported}")


def load_private_key(data: bytes, password: bytes | None = None, origin: str = "key") -> PrivateKey:
    """Read a PKCS#8 (or traditional) PEM key, encrypted or not, or a file that cosign encrypted.

    Raises UsageError when a password is missing, wrong or superfluous, CorruptInput for anything that is no key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    if len(data) > _MAX_KEY_FILE:
        raise CorruptInput(f"{origin} is too large for a key file")
    cosign = _COSIGN.match(data)
    try:
        if cosign:
            if password is None:
                raise UsageError(f"{origin} is encrypted", hint="give its password")
            plain = _open_cosign(cosign.group(2), password, origin)
            loaded: Any = serialization.load_der_private_key(plain, None)
        else:
            loaded = serialization.load_pem_private_key(data, password)
    except TypeError as error:
        # the library's words for "encrypted, but no password" and its opposite
        hint = "give its password" if password is None else "it has no password: leave that out"
        raise UsageError(f"{origin}: {error}", hint=hint) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        wrong = f"{origin} is not a private key in PEM" + (", or the password is wrong" if password else "")
        raise CorruptInput(f"{wrong}: {error}") from error
    if not hasattr(loaded, "public_key") or not hasattr(loaded, "sign"):
        raise UsageError(f"{origin} holds a key that cannot sign")
    return PrivateKey(loaded, public_key(loaded.public_key(), origin))


def _open_cosign(armoured: bytes, password: bytes, origin: str) -> bytes:
    """The PKCS#8 DER inside cosign's JSON container."""
    try:
        box = parse(unbase64("".join(armoured.decode("ascii").split()), "key"))
        kdf, cipher = box["kdf"], box["cipher"]
        n, r, p = (kdf["params"][name] for name in ("N", "r", "p"))
        names = (kdf["name"], cipher["name"])
        salt, nonce = unbase64(kdf["salt"], "salt"), unbase64(cipher["nonce"], "nonce")
        sealed = unbase64(box["ciphertext"], "ciphertext")
    except (JsonError, KeyError, TypeError, ValueError) as error:
        raise CorruptInput(f"{origin} is not a key file as cosign writes it: {error}") from error
    if names != ("scrypt", "nacl/secretbox") or not all(type(value) is int and value > 0 for value in (n, r, p)):
        raise CorruptInput(f"{origin} is encrypted by {names}, which cosign does not write")
    if 128 * n * r > _MAX_SCRYPT_MEMORY or p > 16:
        raise CorruptInput(f"{origin} asks scrypt for more memory or time than is given to it")
    try:
        from nacl.exceptions import CryptoError
        from nacl.secret import SecretBox
    except ImportError as error:
        raise CannotCheck(
            "PyNaCl is needed for cosign's key files", hint="pip install 'sbomkit[cosign-keys]'"
        ) from error
    try:
        secret = hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, dklen=32, maxmem=2 * _MAX_SCRYPT_MEMORY)
        return bytes(SecretBox(secret).decrypt(sealed, nonce))
    except (CryptoError, ValueError) as error:
        raise UsageError(f"{origin}: wrong password, or not a key file of cosign") from error
