"""What `http` stands on: sessions of the requests library, their TLS, and reading what they say.

requests is imported when first needed: it costs a quarter of a second.
"""

from __future__ import annotations

import datetime
import email.utils
import logging
import ssl
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from sbomkit.errors import CannotCheck
from sbomkit.oci.access import Access

if TYPE_CHECKING:
    import requests


def new_session(access: Access, origin: str) -> requests.Session:
    import http.cookiejar

    import requests
    from requests.adapters import HTTPAdapter

    # its debug lines hold whole URLs, signatures and all
    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

    class Adapter(HTTPAdapter):
        """Trusts the authorities of `access`, by way of a proxy too."""

        def __init__(self, client: bool) -> None:
            self._client = client
            super().__init__(pool_maxsize=16)

        def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:
            super().init_poolmanager(connections, maxsize, block, ssl_context=_tls(access, self._client), **more)

        def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
            return super().proxy_manager_for(proxy, ssl_context=_tls(access, self._client), **more)

    session = requests.Session()
    session.trust_env = False  # it would send what .netrc holds to any host
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", Adapter(client=False))
    if access.client_cert:
        session.mount(origin + "/", Adapter(client=True))
    return session


def _tls(access: Access, client: bool) -> ssl.SSLContext:
    return _context(access.ca_files, *((access.client_cert, access.client_key) if client else (None, None)))


@cache
def _context(authorities: tuple[Path, ...], cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """Kept, since loading the system's authorities takes tens of milliseconds."""
    context = ssl.create_default_context()
    try:
        for path in authorities:
            context.load_verify_locations(cafile=path)
        if cert:
            context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise CannotCheck(f"a certificate or key cannot be read: {reason_of(error)}") from None
    return context


def proxies(url: str) -> dict[str, str]:
    from requests.utils import get_environ_proxies

    return dict(get_environ_proxies(url))


def broken_errors() -> tuple[type[Exception], ...]:
    """What reading a body may raise when the connection breaks."""
    import requests
    import urllib3

    return (urllib3.exceptions.HTTPError, requests.exceptions.RequestException, OSError)


def reason_of(error: BaseException) -> str:
    """Why, without the URL: the innermost operating system or TLS error, else the error's kind."""
    seen: list[BaseException] = []
    pending: list[object] = [error]
    while pending and len(seen) < 32:
        item = pending.pop()
        if isinstance(item, BaseException) and item not in seen:
            seen.append(item)
            pending += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]
    for item in seen:
        if isinstance(item, ssl.SSLCertVerificationError):
            return item.verify_message
    for item in seen:
        if isinstance(item, ssl.SSLError):
            return item.reason or "TLS error"
        if isinstance(item, OSError) and item.strerror and item.errno is not None:
            return item.strerror
    names = [type(item).__name__ for item in seen]
    return "timed out" if any("Timeout" in name for name in names) else names[-1]


def retry_after(text: str, now: float) -> float | None:
    """Seconds to wait, from a number or an HTTP date; None where there is none. Never negative."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return max(0.0, when.timestamp() - now)


def split(url: str) -> SplitResult:
    """The parts of a URL; empty ones where it is malformed."""
    try:
        parts = urlsplit(url)
        valid = parts.port is None or parts.port > 0  # reading the port checks it
    except ValueError:
        valid = False
    return parts if valid else SplitResult("", "", "", "", "")


def joined(url: str, location: str) -> str:
    """Where a Location header leads; "" where it is malformed."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as they stand in it."""
    parts = split(url)
    return f"{parts.scheme}://{parts.netloc}"


def shown(url: str) -> str:
    """A URL for messages: no query, no user."""
    parts = split(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"
