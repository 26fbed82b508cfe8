"""The product's only HTTP: requests with authorization, redirects, retries and TLS as registries need them.

Redirects are followed here, not by the library, so that no credential reaches a host it was not meant for.
Nothing of a URL's query, of a header or of a body is ever put in a message: storage URLs are signed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlencode

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.oci.access import Access, Endpoint
from sbomkit.oci.auth import Credential
from sbomkit.oci.token import MAX_ANSWER, Authorizer, TokenRequest
from sbomkit.oci.wire import (
    broken_errors,
    joined,
    new_session,
    origin_of,
    proxies,
    reason_of,
    retry_after,
    shown,
    split,
)

if TYPE_CHECKING:
    import requests

Body = bytes | Callable[[], BinaryIO]
"""What to send; a function gives a fresh stream for every try."""

_MAX_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_AGAIN = (408, 429, 500, 502, 503, 504)
_AUTH_ROUNDS = 2
_PIECE = 1 << 16


class HttpError(CannotCheck):
    """The server answered, and not with what was asked for."""

    def __init__(self, message: str, status: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class _Broken(Exception):
    """A connection that failed in a way that another try may mend."""


class Http:
    """Talks to one endpoint (and, by its redirects, to storage). Thread-safe."""

    def __init__(self, access: Access, endpoint: Endpoint, credential: Credential | None) -> None:
        self.endpoint = endpoint
        self._access = access
        self._patience = access.patience
        self._auth = Authorizer(endpoint.host, credential, self._token, access.patience.clock)
        self._lock = threading.Lock()
        self._session: requests.Session | None = None

    def send(
        self,
        method: str,
        url: str,
        *,
        scope: str,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        accept: tuple[int, ...] = (200,),
        again: bool = True,
    ) -> requests.Response:
        """One answer with an accepted status; close it. Raises HttpError or CannotCheck after enough tries.

        `again`: whether it may be sent twice. What is not idempotent may have arrived though its answer did not.
        """
        what = f"{method} {shown(url)}"
        tries = self._patience.tries if again else 1
        return self._persist(
            what, lambda: self._authorized(method, url, headers or {}, body, scope), accept, url, tries
        )

    def _persist(
        self, what: str, ask: Callable[[], requests.Response], accept: tuple[int, ...], url: str, tries: int
    ) -> requests.Response:
        """Ask until there is an accepted answer, or a final one."""
        for attempt in range(tries):
            last = attempt + 1 == tries
            try:
                response = ask()
            except _Broken as broken:
                if last:
                    raise CannotCheck(f"{what}: {broken}", hint=self._hint(url)) from None
                self._patience.sleep(self._patience.wait(attempt))
                continue
            if response.status_code in accept:
                return response
            with response:
                if last or response.status_code not in _AGAIN:
                    raise self._refusal(response, what)
                self._patience.sleep(self._wait(response, attempt, what))
        raise CannotCheck(f"{what}: no try was allowed")

    def fetch(
        self, url: str, limit: int, *, scope: str, headers: Mapping[str, str], accept: tuple[int, ...] = (200,)
    ) -> tuple[requests.Response, bytes]:
        """A small body whole, asked for again when it breaks off. Raises CorruptInput beyond `limit` bytes."""
        return self._whole(lambda: self.send("GET", url, scope=scope, headers=headers, accept=accept), limit)

    def _whole(self, ask: Callable[[], requests.Response], limit: int) -> tuple[requests.Response, bytes]:
        for attempt in range(self._patience.tries):
            response = ask()
            what = shown(response.url)
            try:
                with response:
                    return response, _body(response, limit, what)
            except broken_errors() as error:
                if attempt + 1 == self._patience.tries:
                    raise CannotCheck(f"{what}: the answer broke off: {reason_of(error)}") from None
                self._patience.sleep(self._patience.wait(attempt))
        raise CannotCheck("no try was allowed")

    def _authorized(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None, scope: str
    ) -> requests.Response:
        for _ in range(_AUTH_ROUNDS):
            sent = self._auth.header(scope)
            response = self._followed(method, url, headers, body, sent)
            if response.status_code != 401 or origin_of(response.url) != self.endpoint.origin:
                return response
            if not self._auth.challenged(response.headers.get("WWW-Authenticate", ""), scope, sent):
                return response
            response.close()
        return self._followed(method, url, headers, body, self._auth.header(scope))

    def _followed(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None, authorization: str
    ) -> requests.Response:
        seen = set()
        for _ in range(_MAX_REDIRECTS + 1):
            seen.add((method, url))
            own = origin_of(url) == self.endpoint.origin
            extra = {"Authorization": authorization} if own and authorization else {}
            response = self._once(method, url, {**headers, **extra}, body)
            target = response.headers.get("Location", "")
            if response.status_code not in _REDIRECTS or not target:
                return response
            response.close()
            if response.status_code == 303 and method not in ("GET", "HEAD"):
                method, body = "GET", None
            url = self._target(url, target)
            if (method, url) in seen:
                break
        raise CannotCheck(
            f"{shown(url)}: redirected in a loop, or more than {_MAX_REDIRECTS} times",
            hint="The registry or a proxy before it is misconfigured.",
        )

    def _target(self, url: str, location: str) -> str:
        target = joined(url, location)
        parts = split(target)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CannotCheck(f"{shown(url)}: redirected to what is not a web address")
        if parts.scheme == "http" and url.startswith("https:"):
            raise CannotCheck(f"{shown(url)}: redirected away from TLS, to plain http at {parts.hostname}")
        return target

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: Body | None) -> requests.Response:
        import requests

        data = body() if callable(body) else body
        given = {"User-Agent": "sbomkit", "Accept-Encoding": "identity", **headers}
        try:
            return self._opened().request(
                method,
                url,
                headers=given,
                data=data,
                stream=True,
                allow_redirects=False,
                timeout=(self._patience.connect, self._patience.silence),
                proxies=proxies(url) if self._access.proxies else None,
            )
        except requests.exceptions.SSLError as error:
            raise CannotCheck(
                f"{shown(url)}: TLS failed: {reason_of(error)}", hint="Name its authority's certificate with --ca-cert."
            ) from None
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
            raise _Broken(reason_of(error)) from None
        except (requests.exceptions.RequestException, ValueError, UnicodeError) as error:
            raise CannotCheck(f"{shown(url)}: cannot be asked for: {type(error).__name__}") from None
        except OSError as error:
            raise _Broken(reason_of(error)) from None
        finally:
            if callable(body) and data is not None and not isinstance(data, bytes):
                data.close()

    def _token(self, request: TokenRequest) -> bytes:
        """Ask the token service; credentials go there only by TLS, or where plain http was allowed by name."""
        parts = split(request.url)
        if not parts.hostname:
            raise CannotCheck(f"{self.endpoint.host}: the address of its token service is malformed")
        secret = bool(request.authorization or request.form)
        if parts.scheme == "http" and secret and parts.netloc not in self._access.plain_http:
            raise CannotCheck(f"{self.endpoint.host}: would have credentials sent in the clear, to {parts.hostname}")
        url = request.url
        if request.query:
            url += ("&" if parts.query else "?") + urlencode(request.query)
        headers = {"Authorization": request.authorization} if request.authorization else {}
        body = urlencode(request.form).encode() if request.form else None
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        method = "POST" if body else "GET"
        what = f"token service {parts.hostname}"
        tries = self._patience.tries
        ask = partial(self._persist, what, lambda: self._once(method, url, headers, body), (200,), url, tries)
        return self._whole(ask, MAX_ANSWER)[1]

    def _wait(self, response: requests.Response, attempt: int, what: str) -> float:
        asked = retry_after(response.headers.get("Retry-After", ""), self._patience.clock())
        if asked is None:
            return self._patience.wait(attempt)
        if asked > self._patience.longest_wait:
            raise HttpError(
                f"{what}: the server says {response.status_code} and asks to wait {asked:.0f} seconds",
                response.status_code,
                hint="Try again later.",
            )
        return asked

    def _refusal(self, response: requests.Response, what: str) -> HttpError:
        status = response.status_code
        hints = {
            401: "Log in to the registry first, or give --username and --password-stdin."
            if self._auth.anonymous
            else "The credentials for this registry were refused.",
            403: "The credentials for this registry do not allow it."
            if not self._auth.anonymous
            else "It may need a login.",
            404: "There is no such repository, tag or digest, or it may need a login.",
            429: "The registry limits requests; try again later, or log in.",
        }
        return HttpError(f"{what}: the server answered {status}", status, hint=hints.get(status, ""))

    def _hint(self, url: str) -> str:
        if url.startswith("https:"):
            return f"If it speaks no TLS, say so with --plain-http {self.endpoint.host}."
        return ""

    def _opened(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                self._session = new_session(self._access, self.endpoint.origin)
            return self._session


def _body(response: requests.Response, limit: int, what: str) -> bytes:
    pieces, size = [], 0
    while piece := response.raw.read(_PIECE, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise CorruptInput(f"{what}: an answer of more than {limit} bytes")
    return b"".join(pieces)
