"""The HTTP front of the private Sigstore, and its trust configuration."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from tests.sigstore_service.authority import Fulcio
from tests.sigstore_service.encoding import b64, der, pem, sha256, spki, unb64
from tests.sigstore_service.faults import Faults
from tests.sigstore_service.oidc import OidcIssuer
from tests.sigstore_service.rekor import Rekor
from tests.sigstore_service.tsa import TimestampAuthority

Reply = tuple[int, bytes, str]
_JSON = "application/json"
_SINCE = "2020-01-01T00:00:00Z"


class SigstoreService:
    """One private instance on a free loopback port, with one log version. Close it, or use it as a context manager."""

    def __init__(self, *, rekor_version: int) -> None:
        self.faults = Faults()
        service = self

        class Handler(_Handler):
            routes = service._route

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.origin}"
        self.oidc = OidcIssuer(self.url)
        self.fulcio = Fulcio()
        self.rekor = Rekor(self.origin, rekor_version, self.faults)
        self.tsa = TimestampAuthority()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> SigstoreService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.tsa.close()

    def honest(self) -> None:
        """Turn every fault off."""
        fresh = Faults()
        for knob in vars(fresh):
            setattr(self.faults, knob, getattr(fresh, knob))

    def token(self, subject: str = "ci@example.com", **words: Any) -> str:
        """A token whose identity is `subject`: an e-mail address, or any other subject as it is."""
        claims = {"email": subject, "email_verified": True} if "@" in subject and "/" not in subject else {}
        return self.oidc.token(subject, **{**claims, **words})

    def trusted_root(self, *, log: bool = True, timestamps: bool = True) -> dict[str, Any]:
        """The trusted root; without `log`, the root of an instance that has no logs at all."""
        tlog = _log(self.url, self.rekor.public_key, self.rekor.key_details, self.rekor.log_id)
        ct_key = spki(self.fulcio.ct_key.public_key())
        ctlog = _log(self.url, ct_key, "PKIX_ECDSA_P256_SHA_256", sha256(ct_key))
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [tlog] if log else [],
            "certificateAuthorities": [
                _authority(self.url, self.fulcio.intermediate.certificate, self.fulcio.root.certificate)
            ],
            "ctlogs": [ctlog] if log else [],
            "timestampAuthorities": (
                [_authority(self.url, self.tsa.certificate, self.tsa.root.certificate)] if timestamps else []
            ),
        }

    def trust_config(self) -> dict[str, Any]:
        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [_endpoint(self.url, 1)],
                "oidcUrls": [_endpoint(self.url, 1)],
                "rekorTlogUrls": [_endpoint(self.url, self.rekor.version)],
                "tsaUrls": [_endpoint(f"{self.url}/api/v1/timestamp", 1)],
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaConfig": {"selector": "ANY"},
            },
        }

    def _route(self, method: str, path: str, authorization: str, body: bytes) -> Reply:
        routes: dict[tuple[str, str], Callable[[], Reply]] = {
            ("GET", "/.well-known/openid-configuration"): lambda: _json(200, self.oidc.discovery()),
            ("GET", "/keys"): lambda: _json(200, self.oidc.jwks()),
            ("GET", "/api/v2/trustBundle"): lambda: _json(200, {"chains": [{"certificates": self._chain()}]}),
            ("POST", "/api/v2/signingCert"): lambda: self._signing_cert(authorization, body),
            ("POST", "/api/v1/timestamp"): lambda: (200, self.tsa.reply(body), "application/timestamp-reply"),
        }
        if self.rekor.version == 1:
            routes["POST", "/api/v1/log/entries"] = lambda: _json(201, self.rekor.add_v1(body))
        else:
            routes["POST", "/api/v2/log/entries"] = lambda: _json(201, self.rekor.add_v2(body))
        route = routes.get((method, path))
        return route() if route else _json(404, {"code": 5, "message": f"no {method} {path} here"})

    def _chain(self) -> list[str]:
        return [pem(self.fulcio.intermediate.certificate), pem(self.fulcio.root.certificate)]

    def _signing_cert(self, authorization: str, body: bytes) -> Reply:
        try:
            claims = self.oidc.check(authorization.removeprefix("Bearer "))
        except jwt.InvalidTokenError as error:
            return _json(401, {"code": 16, "message": f"the token is refused: {error}"})
        csr = x509.load_pem_x509_csr(unb64(json.loads(body)["certificateSigningRequest"]))
        certificate = self.fulcio.issue(csr, claims, self.faults)
        chain = {"certificates": [pem(certificate), *self._chain()]}
        return _json(201, {"signedCertificateEmbeddedSct": {"chain": chain}})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    routes: Callable[[str, str, str, bytes], Reply]

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: pytest's output is for failures."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            status, raw, kind = type(self).routes(method, self.path, self.headers.get("authorization") or "", body)
        except (ValueError, KeyError, InvalidSignature) as error:
            status, raw, kind = _json(400, {"code": 3, "message": f"{type(error).__name__}: {error}"})
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _json(status: int, value: object) -> Reply:
    return status, json.dumps(value).encode(), _JSON


def _endpoint(url: str, version: int) -> dict[str, Any]:
    return {"url": url, "majorApiVersion": version, "operator": "private", "validFor": {"start": _SINCE}}


def _log(url: str, key: bytes, details: str, log_id: bytes) -> dict[str, Any]:
    public = {"rawBytes": b64(key), "keyDetails": details, "validFor": {"start": _SINCE}}
    return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "publicKey": public, "logId": {"keyId": b64(log_id)}}


def _authority(url: str, *chain: x509.Certificate) -> dict[str, Any]:
    return {
        "subject": {"organization": "private.sigstore", "commonName": "private"},
        "uri": url,
        "certChain": {"certificates": [{"rawBytes": b64(der(certificate))} for certificate in chain]},
        "validFor": {"start": _SINCE},
    }
