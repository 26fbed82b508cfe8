from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.oci.auth import Credential
from sbomkit.oci.token import Authorizer, Challenge, TokenRequest, parse_challenges
from sbomkit.oci.wire import retry_after

BEARER = 'Bearer realm="https://auth.example/token",service="s"'


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", ()),
        ('Basic realm="x"', (Challenge("basic", {"realm": "x"}),)),
        ("Negotiate, Basic realm=x", (Challenge("negotiate"), Challenge("basic", {"realm": "x"}))),
        (
            'BEARER realm="https://a/t", service="a,b", scope="repository:x:pull,push"',
            (Challenge("bearer", {"realm": "https://a/t", "service": "a,b", "scope": "repository:x:pull,push"}),),
        ),
        ('Bearer realm="a\\"b"', (Challenge("bearer", {"realm": 'a"b'}),)),
    ],
)
def test_challenges(header: str, found: tuple[Challenge, ...]) -> None:
    assert parse_challenges(header) == found


@given(st.text(max_size=200))
def test_any_header_ends_in_challenges(header: str) -> None:
    assert all(c.scheme == c.scheme.lower() for c in parse_challenges(header))


def test_a_long_hostile_header_costs_little() -> None:
    assert len(parse_challenges("Bearer " + 'a="' * 100_000)) <= 1


class Service:
    def __init__(self, **answer: object) -> None:
        self.answer = answer
        self.asked: list[TokenRequest] = []
        self.now = 1000.0

    def fetch(self, request: TokenRequest) -> bytes:
        self.asked.append(request)
        return json.dumps({"token": f"t{len(self.asked)}", **self.answer}).encode()

    def authorizer(self, credential: Credential | None = None) -> Authorizer:
        return Authorizer("r.example", credential, self.fetch, lambda: self.now)


def test_nothing_is_sent_before_it_is_asked_for() -> None:
    assert Service().authorizer(Credential("a", "b")).header("s") == ""


def test_a_token_is_kept_per_scope_and_renewed_before_its_end() -> None:
    service = Service(expires_in=100)
    auth = service.authorizer()
    assert auth.challenged(BEARER, "one", "")
    assert [auth.header("one"), auth.header("one"), auth.header("two")] == ["Bearer t1", "Bearer t1", "Bearer t2"]
    service.now += 95
    assert auth.header("one") == "Bearer t3"


def test_a_refused_token_is_not_used_again() -> None:
    service = Service()
    auth = service.authorizer()
    auth.challenged(BEARER, "one", "")
    sent = auth.header("one")
    assert auth.challenged(BEARER, "one", sent)
    assert auth.header("one") == "Bearer t2"


def test_a_refused_password_is_not_tried_again() -> None:
    auth = Service().authorizer(Credential("a", "b"))
    assert auth.challenged("Basic realm=x", "s", "")
    sent = auth.header("s")
    assert sent.startswith("Basic ")
    assert not auth.challenged("Basic realm=x", "s", sent)


def test_anonymous_has_no_answer_to_basic() -> None:
    assert not Service().authorizer().challenged("Basic realm=x", "s", "")


def test_an_identity_token_is_posted() -> None:
    service = Service()
    auth = service.authorizer(Credential(identity_token="refresh"))
    auth.challenged(BEARER, "one", "")
    auth.header("one")
    assert ("refresh_token", "refresh") in service.asked[0].form
    assert "refresh" not in repr(service.asked[0])


@pytest.mark.parametrize("realm", ["", "file:///etc/passwd", "ftp://x"])
def test_a_realm_that_is_no_web_address_is_refused(realm: str) -> None:
    auth = Service().authorizer()
    auth.challenged(f'Bearer realm="{realm}"', "one", "")
    with pytest.raises(CannotCheck):
        auth.header("one")


@pytest.mark.parametrize("token", ["", 3, None, "a b", "a\nb", "\x00"])
def test_a_token_that_is_none_is_refused(token: object) -> None:
    auth = Service(token=token).authorizer()
    auth.challenged(BEARER, "one", "")
    with pytest.raises(CorruptInput):
        auth.header("one")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3), ("0", 0), ("", None), ("-1", None), ("soon", None), ("9" * 30, None),
     ("Thu, 01 Jan 1970 00:16:50 GMT", 10),
     ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Thu, 99 Foo 1970", None)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(text, 1000.0) == seconds
