"""Key files: what people have is read, what is off is named."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from nacl.secret import SecretBox

from sbomkit.attest.keys import KINDS, PrivateKey, generate_key, load_private_key, load_public_key
from sbomkit.errors import CorruptInput, SbomkitError, UsageError


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("password", [None, b"secret"])
def test_round_trip(kind: str, password: bytes | None) -> None:
    key = generate_key(kind)
    again = load_private_key(key.pem(password), password)
    assert again.public.der == key.public.der
    assert again.public.kind == kind
    assert load_public_key(key.public.pem).der == load_public_key(key.public.der).der == key.public.der


def cosign_file(
    key: PrivateKey, password: bytes, label: str = "ENCRYPTED SIGSTORE PRIVATE KEY", **changes: Any
) -> bytes:
    """A key file as cosign writes it, by its specification."""
    salt, nonce, n = bytes(32), bytes(24), 2**12
    secret = hashlib.scrypt(password, salt=salt, n=n, r=8, p=1, dklen=32)
    plain = key.raw.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    sealed = SecretBox(secret).encrypt(plain, nonce).ciphertext
    box = {
        "kdf": {"name": "scrypt", "params": {"N": n, "r": 8, "p": 1}, "salt": base64.b64encode(salt).decode()},
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
        "ciphertext": base64.b64encode(sealed).decode(),
    }
    text = base64.encodebytes(json.dumps({**box, **changes}).encode()).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n".encode()


@pytest.mark.parametrize("label", ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"])
@pytest.mark.parametrize("password", [b"secret", b""])
def test_cosign_files(label: str, password: bytes) -> None:
    key = generate_key()
    raw = cosign_file(key, password, label)
    assert load_private_key(raw, password).public.der == key.public.der
    with pytest.raises(UsageError, match="wrong password"):
        load_private_key(raw, b"other")
    with pytest.raises(UsageError, match="encrypted"):
        load_private_key(raw)


@pytest.mark.parametrize(
    "changes",
    [
        {"kdf": {}},
        {"kdf": {"name": "scrypt", "params": {"N": 2**30, "r": 8, "p": 1}, "salt": ""}},
        {"kdf": {"name": "scrypt", "params": {"N": 3, "r": 8, "p": 1}, "salt": ""}},
        {"kdf": {"name": "scrypt", "params": {"N": "4", "r": 8, "p": 1}, "salt": ""}},
        {"kdf": {"name": "argon2", "params": {"N": 4, "r": 8, "p": 1}, "salt": ""}},
        {"cipher": {"name": "nacl/secretbox", "nonce": "AAAA"}},
        {"ciphertext": "%"},
        {"ciphertext": ""},
    ],
)
def test_cosign_files_that_are_off(changes: dict[str, Any]) -> None:
    with pytest.raises(SbomkitError):
        load_private_key(cosign_file(generate_key(), b"secret", **changes), b"secret")


def test_passwords_are_asked_for_and_refused_by_name() -> None:
    key = generate_key()
    with pytest.raises(UsageError) as asked:
        load_private_key(key.pem(b"secret"))
    assert "password" in asked.value.hint
    with pytest.raises(UsageError, match="not encrypted"):
        load_private_key(key.pem(None), b"secret")
    with pytest.raises(CorruptInput, match="password is wrong"):
        load_private_key(key.pem(b"secret"), b"other")


@pytest.mark.parametrize(
    "raw", [b"", b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", b"\x30\x03", b"\xff" * 99]
)
def test_what_is_no_key(raw: bytes) -> None:
    with pytest.raises(CorruptInput):
        load_public_key(raw)
    with pytest.raises(CorruptInput):
        load_private_key(raw)
    with pytest.raises(CorruptInput):
        load_private_key(b" " * (2 << 20))


def public(key: Any) -> bytes:
    raw: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return raw


def test_kinds_that_are_not_supported() -> None:
    for key in (
        rsa.generate_private_key(65537, 1024),
        ec.generate_private_key(ec.SECP256K1()),
        x25519.X25519PrivateKey.generate(),
        dsa.generate_private_key(2048),
    ):
        with pytest.raises(UsageError, match="not supported"):
            load_public_key(public(key))
    with pytest.raises(UsageError):
        generate_key("dsa")


def test_a_private_key_is_no_public_key() -> None:
    with pytest.raises(UsageError, match="private key"):
        load_public_key(generate_key().pem(None))
    with pytest.raises(UsageError, match="certificate"):
        load_public_key(b"-----BEGIN CERTIFICATE-----\n")
