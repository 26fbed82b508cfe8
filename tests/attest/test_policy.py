"""Policies: half of one is none, and a pattern is held to the whole string."""

from __future__ import annotations

from typing import Any

import pytest

from sbomkit.attest.certificate import Identity
from sbomkit.attest.policy import Exactly, IdentityPolicy, KeyPolicy, Matching
from sbomkit.attest.reasons import NotTaken
from sbomkit.errors import UsageError


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"identity": "i"},
        {"issuer": "u"},
        {"identity_regexp": ".*"},
        {"identity": "i", "identity_regexp": "i", "issuer": "u"},
        {"identity": "", "issuer": "u"},
        {"identity": "i", "issuer": ""},
        {"identity_regexp": "", "issuer": "u"},
        {"identity_regexp": "(", "issuer": "u"},
        {"identity": "i", "issuer": "u", "claims": {"shoe-size": "44"}},
    ],
)
def test_policies_that_say_too_little(words: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        IdentityPolicy.of(**words)


def test_key_policies_need_a_key() -> None:
    with pytest.raises(UsageError):
        KeyPolicy(())


@pytest.mark.parametrize("actual", ["xab", "abx", "ab\n", "ab\nab", "AB", ""])
def test_patterns_match_the_whole_string(actual: str) -> None:
    assert Matching.of("ab").takes("ab")
    assert Matching.of("a|ab").takes("ab")
    assert not Matching.of("ab").takes(actual)
    assert not Matching.of("^ab$").takes(actual)
    assert not Exactly("ab").takes(actual)


def test_older_claims_are_found_in_newer_certificates() -> None:
    newer = Identity("i", "u", (("source-repository-uri", "https://github.com/octo/app"), ("build-trigger", "push")))
    rules = {"github-workflow-repository": "octo/app", "github-workflow-trigger": "push"}
    IdentityPolicy.of(identity="i", issuer="u", claims=rules).check(newer)
    elsewhere = Identity("i", "u", (("source-repository-uri", "https://gitlab.com/octo/app"),))
    with pytest.raises(NotTaken, match="missing"):
        IdentityPolicy.of(identity="i", issuer="u", claims={"github-workflow-repository": "octo/app"}).check(elsewhere)
