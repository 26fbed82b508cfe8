"""With a bundle at hand a verification opens no socket; and the room costs nothing until it is used."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any, NoReturn

import pytest

from sbomkit.attest import public_good_roots
from tests.attest.cases import FOLDERS, run

HEAVY = ("sigstore", "cryptography", "securesystemslib", "pydantic", "requests", "rfc3161_client", "nacl")


def test_verification_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a socket was opened")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    public_good_roots.cache_clear()
    assert public_good_roots()
    for folder in FOLDERS:
        assert run(folder).ok == (not folder.name.endswith("_fail"))


def test_importing_the_room_imports_nothing_heavy() -> None:
    code = f"import sys, sbomkit.attest; sys.exit(sum(name in sys.modules for name in {HEAVY!r}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_policies_and_statements_need_nothing_heavy() -> None:
    code = (
        "import sys, sbomkit.attest as a; a.IdentityPolicy.of(identity='i', issuer='u');"
        "a.parse_in_toto; a.read_bundle(b'{}');"
        f"sys.exit(sum(name in sys.modules for name in {HEAVY!r}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_there() -> None:
    import sbomkit.attest as room

    assert all(getattr(room, name) is not None for name in room.__all__)
    with pytest.raises(AttributeError):
        _ = room.nonsense
