"""The private Sigstore is as strict as the public one, or the tests that lean on it would show nothing."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import jwt
import pytest

from tests.sigstore_service import SigstoreService
from tests.sigstore_service.merkle import MerkleTree


def call(url: str, body: object = None, token: str = "") -> tuple[int, Any]:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_tokens_verify_by_the_published_keys(sigstore_v2: SigstoreService) -> None:
    _, discovery = call(f"{sigstore_v2.url}/.well-known/openid-configuration")
    assert discovery["issuer"] == sigstore_v2.url
    token = sigstore_v2.token()
    key = jwt.PyJWKClient(discovery["jwks_uri"]).get_signing_key_from_jwt(token)
    assert jwt.decode(token, key, algorithms=["RS256"], audience="sigstore")["email"] == "ci@example.com"


def test_certificates_need_a_token_of_this_issuer(sigstore_v2: SigstoreService, sigstore_v1: SigstoreService) -> None:
    request = {"certificateSigningRequest": ""}
    unsigned = jwt.encode({"iss": sigstore_v2.url, "sub": "x", "aud": "sigstore"}, "", algorithm="none")
    for token in (sigstore_v1.token(), sigstore_v2.token(lifetime=-60), unsigned, sigstore_v2.token(audience="x"), ""):
        assert call(f"{sigstore_v2.url}/api/v2/signingCert", request, token)[0] == 401
    assert call(f"{sigstore_v2.url}/api/v2/signingCert", request, sigstore_v2.token())[0] == 400


@pytest.mark.parametrize("body", [{}, {"kind": "dsse"}, {"kind": "helm"}])
def test_logs_refuse_what_is_no_entry(body: object, sigstore_v1: SigstoreService, sigstore_v2: SigstoreService) -> None:
    before = len(sigstore_v1.rekor), len(sigstore_v2.rekor)
    assert call(f"{sigstore_v1.url}/api/v1/log/entries", body)[0] == 400
    assert call(f"{sigstore_v2.url}/api/v2/log/entries", body)[0] == 400
    assert call(f"{sigstore_v2.url}/api/v1/log/entries", body)[0] == 404
    assert (len(sigstore_v1.rekor), len(sigstore_v2.rekor)) == before


def test_the_tree_grows() -> None:
    tree = MerkleTree()
    proofs = [tree.append(bytes([n])) for n in range(9)]
    assert len({proof.root for proof in proofs}) == 9
    assert [len(proof.path) for proof in proofs] == [0, 1, 1, 2, 1, 2, 2, 3, 1]
    assert tree.prove(0).size == 9
