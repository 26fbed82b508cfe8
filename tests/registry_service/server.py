"""An OCI distribution registry in this process: strict about what it is sent, exact about what it counted.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.registry_service.faults import Fault
from tests.registry_service.store import Rejected, Store, digest_of

_ROUTE = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|referrers)/(?P<rest>.*)\Z")
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Behaviour:
    """What kind of registry it is."""

    auth: str = ""
    """"", `basic` or `token`."""
    username: str = "user"
    password: str = "correct horse"
    identity_token: str = ""
    anonymous_pull: bool = False
    token_life: float = 300
    realm: str = ""
    """Of the token service, if it is not this server's own."""
    referrers_api: bool = True
    says_subject: bool | None = None
    """Whether it answers OCI-Subject; None: as `referrers_api`."""
    filters: bool = True
    page_size: int = 0
    ranges: bool = True
    chunks: bool = True
    conditional: bool = False
    storage: str = ""
    """Origin that blobs are redirected to."""
    slow: float = 0.0
    """Seconds between reading a manifest's request and answering: makes races likely."""


@dataclass
class Seen:
    """One request, as it came, and what was answered."""

    method: str
    path: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0


@dataclass
class Registry:
    """The server's state, for the test to set and read."""

    behaviour: Behaviour = field(default_factory=Behaviour)
    store: Store = field(default_factory=Store)
    faults: list[Fault] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    tokens: dict[str, tuple[float, str]] = field(default_factory=dict)
    origin: str = ""
    clock_offset: float = 0.0

    @property
    def host(self) -> str:
        return self.origin.partition("://")[2]

    def now(self) -> float:
        return time.time() + self.clock_offset

    def count(self, method: str, pattern: str) -> int:
        return sum(1 for s in self.seen if s.method == method and re.search(pattern, s.path))

    def bytes_of(self, pattern: str) -> int:
        """Body bytes that were sent for paths like this."""
        return sum(s.sent for s in self.seen if re.search(pattern, s.path))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry: Registry

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self.state = Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
        self.registry.seen.append(self.state)
        self.cut: int | None = None
        self.change = ""
        length = int(self.headers.get("Content-Length") or 0)
        words = f"{self.command} {self.path}"
        fault = next((f for f in self.registry.faults if f.takes(words)), None)
        if fault and self._misbehaves(fault):
            return
        self.sent_body = self.rfile.read(length) if length else b""
        self.mute = bool(fault and fault.action == "arrived-then-drop")
        try:
            if self._allowed():
                self._route()
        except Rejected as error:
            self._answer(error.status, json.dumps({"errors": [{"code": error.code}]}).encode())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _misbehaves(self, fault: Fault) -> bool:
        """True when the fault is the whole answer."""
        if fault.action == "expire":
            self.registry.tokens.clear()
        elif fault.action == "cut":
            self.cut = fault.after
        elif fault.action in ("corrupt", "longer", "shorter"):
            self.change = fault.action
        elif fault.action == "drop":
            self._hang_up()
            return True
        elif fault.action in ("status", "redirect", "body"):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status = {"status": fault.status, "redirect": 307, "body": 200}[fault.action]
            extra = {"Location": fault.location} if fault.location else {}
            self._answer(status, fault.body, {**fault.headers, **extra})
            return True
        return False

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        if getattr(self, "mute", False):
            return self._hang_up()
        if body and self.change == "corrupt":
            body = body[:-1] + bytes((body[-1] ^ 1,))
        elif body and self.change:
            body = body + b"x" if self.change == "longer" else body[:-1]
        self.state.status = status
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return None
        if self.cut is not None and self.cut < len(body):
            body = body[: self.cut]
            self.close_connection = True
        self.wfile.write(body)
        self.state.sent += len(body)
        if self.close_connection:
            self.wfile.flush()
            self._hang_up()
        return None

    def _allowed(self) -> bool:
        how = self.registry.behaviour
        path = urlsplit(self.path).path
        if path == "/token":
            self._token()
            return False
        if path.startswith("/storage/"):
            assert "authorization" not in self.state.headers, "a credential was sent to the storage"
            self._blob(*path.removeprefix("/storage/").rsplit("/", 1))
            return False
        given = self.headers.get("Authorization", "")
        if not how.auth or (how.auth == "basic" and self._is_user(given)):
            return True
        action = "pull" if self.command in ("GET", "HEAD") else "pull,push"
        match = _ROUTE.match(path)
        scope = f"repository:{match['name']}:{action}" if match else ""
        if how.auth == "token" and given.startswith("Bearer "):
            expires, granted = self.registry.tokens.get(given[7:], (0.0, ""))
            if self.registry.now() < expires and (granted == scope or granted == scope + ",push"):
                return True
        challenge = 'Basic realm="test"'
        if how.auth == "token":
            realm = how.realm or f"{self.registry.origin}/token"
            challenge = f'Bearer realm="{realm}",service="test registry",scope="{scope}"'
        self._answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {"WWW-Authenticate": challenge})
        return False

    def _is_user(self, header: str) -> bool:
        how = self.registry.behaviour
        return header == "Basic " + base64.b64encode(f"{how.username}:{how.password}".encode()).decode()

    def _token(self) -> None:
        how = self.registry.behaviour
        words = parse_qs(urlsplit(self.path).query)
        if self.command == "POST":
            words = parse_qs(self.sent_body.decode())
            good = words.get("refresh_token") == [how.identity_token] and words["grant_type"] == ["refresh_token"]
        else:
            given = self.headers.get("Authorization", "")
            scopes = words.get("scope", [""])
            pull_only = all(s.endswith(":pull") for s in scopes)
            good = self._is_user(given) or (not given and how.anonymous_pull and pull_only)
        if not good or words.get("service") != ["test registry"]:
            return self._answer(401, b"{}")
        token = f"token-{len(self.registry.tokens)}-{time.monotonic_ns()}"
        widest = max(" ".join(words.get("scope", [""])).split(" "), key=len)
        self.registry.tokens[token] = (self.registry.now() + how.token_life, widest)
        answer = {"token": token, "expires_in": how.token_life}
        return self._answer(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _route(self) -> None:
        parts = urlsplit(self.path)
        if parts.path in ("/v2", "/v2/"):
            return self._answer(200)
        match = _ROUTE.match(parts.path)
        if not match:
            raise Rejected(404, "NAME_UNKNOWN")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        name, rest = match["name"], match["rest"]
        if match["kind"] == "manifests":
            return self._manifest(name, rest)
        if match["kind"] == "referrers":
            return self._referrers(name, rest, query)
        if rest.startswith("uploads/"):
            return self._upload(name, rest.removeprefix("uploads/"), query)
        return self._blob(name, rest)

    def _manifest(self, name: str, wanted: str) -> None:
        store, how = self.registry.store, self.registry.behaviour
        if self.command == "PUT":
            with store.lock:
                if how.conditional:
                    self._check_condition(name, wanted)
                digest = store.put_manifest(name, wanted, self.headers["Content-Type"], self.sent_body)
            headers = {"Docker-Content-Digest": digest, "Location": f"/v2/{name}/manifests/{digest}"}
            subject = (json.loads(self.sent_body).get("subject") or {}).get("digest", "")
            says = how.referrers_api if how.says_subject is None else how.says_subject
            if subject and says:
                headers["OCI-Subject"] = subject
            return self._answer(201, b"", headers)
        digest, media_type, raw = store.manifest(name, wanted)
        if how.slow:
            time.sleep(how.slow)
        headers = {"Content-Type": media_type, "Docker-Content-Digest": digest, "ETag": f'"{digest}"'}
        return self._answer(200, raw, headers)

    def _check_condition(self, name: str, wanted: str) -> None:
        current = self.registry.store.repository(name).tags.get(wanted, "")
        match, none = self.headers.get("If-Match"), self.headers.get("If-None-Match")
        if (match and match != f'"{current}"') or (none == "*" and current):
            raise Rejected(412, "PRECONDITION_FAILED")

    def _referrers(self, name: str, subject: str, query: dict[str, str]) -> None:
        how = self.registry.behaviour
        if not how.referrers_api:
            raise Rejected(404, "NOT_FOUND")
        found = self.registry.store.referrers(name, subject)
        headers = {"Content-Type": INDEX}
        if how.filters and "artifactType" in query:
            found = [f for f in found if f["artifactType"] == query["artifactType"]]
            headers["OCI-Filters-Applied"] = "artifactType"
        if how.page_size:
            at = int(query.get("at", 0))
            if at + how.page_size < len(found):
                more = f"&artifactType={query['artifactType']}" if "artifactType" in query else ""
                headers["Link"] = f'</v2/{name}/referrers/{subject}?at={at + how.page_size}{more}>; rel="next"'
            found = found[at : at + how.page_size]
        self._answer(200, json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": found}).encode(), headers)

    def _blob(self, name: str, digest: str) -> None:
        how = self.registry.behaviour
        blob = self.registry.store.repository(name).blobs.get(digest)
        if blob is None:
            raise Rejected(404, "BLOB_UNKNOWN")
        if how.storage and not self.path.startswith("/storage/") and self.command == "GET":
            place = {"Location": f"{how.storage}/storage/{name}/{digest}?X-Signature=very-secret"}
            return self._answer(307, b"", place)
        wanted = re.match(r"bytes=(\d+)-(\d*)\Z", self.headers.get("Range", ""))
        if not wanted or not how.ranges:
            return self._answer(200, blob, {"Docker-Content-Digest": digest})
        start, end = int(wanted[1]), int(wanted[2] or len(blob) - 1)
        if start >= len(blob):
            return self._answer(416, b"", {"Content-Range": f"bytes */{len(blob)}"})
        end = min(end, len(blob) - 1)
        return self._answer(206, blob[start : end + 1], {"Content-Range": f"bytes {start}-{end}/{len(blob)}"})

    def _upload(self, name: str, identity: str, query: dict[str, str]) -> None:
        store = self.registry.store
        if self.command == "POST":
            identity = store.begin_upload(name)
            return self._progress(202, name, identity)
        held = store.upload(name, identity)
        if self.command == "GET":
            return self._progress(204, name, identity)
        if self.command == "PATCH":
            if not self.registry.behaviour.chunks:
                raise Rejected(405, "UNSUPPORTED")
            stated = re.match(r"(\d+)-(\d+)\Z", self.headers.get("Content-Range", ""))
            if not stated or int(stated[1]) != len(held) or int(stated[2]) + 1 - len(held) != len(self.sent_body):
                raise Rejected(416, "RANGE_INVALID")
            held += self.sent_body
            return self._progress(202, name, identity)
        assert self.command == "PUT"
        held += self.sent_body
        store.finish_upload(name, identity, query["digest"])
        return self._answer(201, b"", {"Location": f"/v2/{name}/blobs/{query['digest']}"})

    def _progress(self, status: int, name: str, identity: str) -> None:
        done = len(self.registry.store.upload(name, identity))
        headers = {"Location": f"/v2/{name}/blobs/uploads/{identity}?state=kept", "Range": f"0-{max(done - 1, 0)}"}
        self._answer(status, b"", headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # connections that the tests cut on purpose


@contextmanager
def serving(
    behaviour: Behaviour | None = None, *, tls: tuple[Path, Path] | None = None, clients: Path | None = None
) -> Iterator[Registry]:
    """A registry on a loopback port of its own; `tls` is certificate and key, `clients` whom it takes as a client."""
    registry = Registry(behaviour or Behaviour())
    handler = type("Handler", (_Handler,), {"registry": registry})
    server = _Server(("127.0.0.1", 0), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    registry.origin = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()


def put_blob(registry: Registry, name: str, raw: bytes) -> str:
    digest = digest_of(raw)
    registry.store.repository(name).blobs[digest] = raw
    return digest
