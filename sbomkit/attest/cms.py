"""The parts of a timestamp token that no signature covers, held to the only values they can have.

A verifier that ignores them lets two different files be the same timestamp. Structure, not arithmetic:
https://www.rfc-editor.org/rfc/rfc5652#section-5, algorithms: https://www.rfc-editor.org/rfc/rfc5754
"""

from __future__ import annotations

from collections.abc import Iterator

_SEQUENCE, _SET, _CONTEXT_0, _INTEGER = 0x30, 0x31, 0xA0, 0x02
_SIGNED_DATA_VERSION, _SIGNER_INFO_VERSION = b"\x03", b"\x01"
_SHA2 = bytes.fromhex("6086480165030402")
_ECDSA = bytes.fromhex("2a8648ce3d0403")
_RSA = bytes.fromhex("2a864886f70d0101")
_ED25519 = bytes.fromhex("2b6570")
# last byte of the digest's identifier -> last byte of ECDSA's and of RSA's identifier with that digest
_WITH = {1: (2, 11), 2: (3, 12), 3: (4, 13)}
_RSA_PLAIN = 1


def check_unsigned_parts(token: bytes) -> None:
    """Raises ValueError for a CMS token (ContentInfo) with other versions, algorithms or extra parts."""
    (_, content_info), *_rest = _elements(token)
    wrapped = [value for tag, value in _elements(content_info) if tag == _CONTEXT_0]
    (_, signed_data) = next(_elements(wrapped[0] if wrapped else b""), (0, b""))
    parts = list(_elements(signed_data))
    if not parts or parts[0] != (_INTEGER, _SIGNED_DATA_VERSION) or parts[-1][0] != _SET:
        raise ValueError("not the signed data of a timestamp")
    signers = list(_elements(parts[-1][1]))
    if len(signers) != 1:
        raise ValueError(f"{len(signers)} signers instead of one")
    _check_signer(list(_elements(signers[0][1])))


def _check_signer(parts: list[tuple[int, bytes]]) -> None:
    """version, signer, digest algorithm, signed attributes, signature algorithm, signature; and nothing after it."""
    if [tag for tag, _ in parts] != [_INTEGER, _SEQUENCE, _SEQUENCE, _CONTEXT_0, _SEQUENCE, 0x04]:
        raise ValueError("not one signer with signed attributes only")
    if parts[0][1] != _SIGNER_INFO_VERSION:
        raise ValueError("a signer of another version")
    digest, signature = (next(_elements(parts[at][1]), (0, b""))[1] for at in (2, 4))
    if not digest.startswith(_SHA2) or digest[-1] not in _WITH:
        raise ValueError("a digest other than SHA-2")
    ecdsa, rsa = _WITH[digest[-1]]
    known = (_ECDSA + bytes([ecdsa]), _RSA + bytes([rsa]), _RSA + bytes([_RSA_PLAIN]), _ED25519)
    if signature not in known:
        raise ValueError("the signature's algorithm does not go with its digest")


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The tags and contents of concatenated DER elements. Raises ValueError."""
    at = 0
    while at < len(data):
        if at + 2 > len(data):
            raise ValueError("DER ends within an element")
        tag, length, start = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4:
                raise ValueError("a DER length that is none")
            length, start = int.from_bytes(data[start : start + size], "big"), start + size
        if start + length > len(data):
            raise ValueError("DER ends within an element")
        yield tag, data[start : start + length]
        at = start + length
