"""An OpenID Connect issuer: RS256 tokens, discovery document and JWKS."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "sigstore"
KEY_ID = "k1"


class OidcIssuer:
    def __init__(self, url: str) -> None:
        self.url = url
        self._key = rsa.generate_private_key(65537, 2048)

    def token(self, subject: str, *, audience: str = AUDIENCE, lifetime: int = 600, **claims: Any) -> str:
        """A signed token for `subject`; `lifetime` in seconds, negative for one that has expired."""
        now = int(time.time())
        body = {"iss": self.url, "sub": subject, "aud": audience, "iat": now - 5, "nbf": now - 5, "exp": now + lifetime}
        return jwt.encode({**body, **claims}, self._key, algorithm="RS256", headers={"kid": KEY_ID})

    def check(self, token: str) -> dict[str, Any]:
        """The claims of a token that this issuer signed for Sigstore and that is valid now."""
        claims: dict[str, Any] = jwt.decode(
            token, self._key.public_key(), algorithms=["RS256"], audience=AUDIENCE, issuer=self.url
        )
        return claims

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token",
        }

    def jwks(self) -> dict[str, Any]:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**key, "kid": KEY_ID}]}
