"""A timestamp authority: RFC 3161 replies, signed by `openssl ts`."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.sigstore_service.authority import Issuer, key_usage, name
from tests.sigstore_service.encoding import pem

_CONFIG = """[tsa]
default_tsa = t
[t]
serial = {0}/serial
signer_cert = {0}/cert.pem
signer_key = {0}/key.pem
signer_digest = sha256
default_policy = 1.3.6.1.4.1.57264.2
digests = sha256,sha384,sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class TimestampAuthority:
    def __init__(self) -> None:
        self.root = Issuer("tsa-root")
        key = ec.generate_private_key(ec.SECP256R1())
        start = datetime.now(UTC) - timedelta(days=30)
        builder = self.root.leaf(key.public_key(), start, timedelta(days=3000)).subject_name(name("tsa"))
        self.certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .sign(self.root.key, hashes.SHA384())
        )
        self._lock = threading.Lock()
        self._home = tempfile.TemporaryDirectory(prefix="tsa-")
        home = Path(self._home.name)
        plain = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (home / "cert.pem").write_text(pem(self.certificate))
        (home / "key.pem").write_bytes(plain)
        (home / "serial").write_text("01\n")
        (home / "tsa.cnf").write_text(_CONFIG.format(home))

    def reply(self, query: bytes) -> bytes:
        """The DER TimeStampResp for a DER TimeStampReq."""
        home = Path(self._home.name)
        with self._lock:
            (home / "query").write_bytes(query)
            words = ["-config", str(home / "tsa.cnf"), "-queryfile", str(home / "query"), "-out", str(home / "reply")]
            subprocess.run(["openssl", "ts", "-reply", *words], check=True, capture_output=True)
            return (home / "reply").read_bytes()

    def close(self) -> None:
        self._home.cleanup()
