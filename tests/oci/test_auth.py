from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from sbomkit.errors import CannotCheck
from sbomkit.oci.auth import Credential, Keychain
from sbomkit.oci.reference import Reference

APP = Reference.parse("registry.example/team/app")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def keychain(path: Path, config: object) -> Keychain:
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    return Keychain((path,))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


def test_auths_hold_name_and_password(file: Path) -> None:
    chain = keychain(file, {"auths": {"registry.example": {"auth": encoded("me:pass:word")}}})
    assert chain.find(APP) == Credential("me", "pass:word")


def test_the_most_particular_key_wins(file: Path) -> None:
    auths = {"registry.example": {"auth": encoded("a:1")}, "registry.example/team": {"auth": encoded("b:2")}}
    chain = keychain(file, {"auths": auths})
    assert chain.find(APP) == Credential("b", "2")
    assert chain.find(Reference.parse("registry.example/teams/app")) == Credential("a", "1")


@pytest.mark.parametrize("key", ["https://registry.example", "https://registry.example/v1/"])
def test_keys_of_older_dockers_are_urls(file: Path, key: str) -> None:
    assert keychain(file, {"auths": {key: {"auth": encoded("a:b")}}}).find(APP) == Credential("a", "b")


def test_the_default_registry_has_an_old_name(file: Path) -> None:
    chain = keychain(file, {"auths": {"https://index.docker.io/v1/": {"auth": encoded("a:b")}}})
    assert chain.find(Reference.parse("debian")) == Credential("a", "b")
    assert chain.find(APP) is None


def test_an_identity_token_is_kept(file: Path) -> None:
    entry = {"auth": encoded("<token>:"), "identitytoken": "refresh"}
    found = keychain(file, {"auths": {"registry.example": entry}}).find(APP)
    assert found is not None
    assert found.identity_token == "refresh"


def test_username_and_password_may_stand_apart(file: Path) -> None:
    entry = {"username": "a", "password": "b"}
    assert keychain(file, {"auths": {"registry.example": entry}}).find(APP) == Credential("a", "b")


def test_the_first_file_that_knows_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    keychain(first, {"auths": {"other.example": {"auth": encoded("x:y")}}})
    keychain(second, {"auths": {"registry.example": {"auth": encoded("a:b")}}})
    assert Keychain((tmp_path / "none.json", first, second)).find(APP) == Credential("a", "b")


def test_what_is_given_by_hand_wins(file: Path) -> None:
    chain = keychain(file, {"auths": {"registry.example": {"auth": encoded("a:b")}}})
    given = Keychain(chain.files, {"registry.example": Credential("me", "now")})
    assert given.find(APP) == Credential("me", "now")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"auths": 3}', '{"auths": {"registry.example": {"auth": "%%%"}}}', '{"credsStore": "../x"}']
)
def test_a_broken_file_is_an_error_and_not_anonymity(file: Path, text: str) -> None:
    with pytest.raises(CannotCheck):
        keychain(file, text).find(APP)


def test_an_empty_file_is_empty(file: Path) -> None:
    assert keychain(file, "").find(APP) is None


def test_files_are_looked_for_where_tools_keep_them(tmp_path: Path) -> None:
    environ = {"REGISTRY_AUTH_FILE": "/a.json", "DOCKER_CONFIG": "/b", "XDG_RUNTIME_DIR": "/run/user/1"}
    places = [str(path) for path in Keychain.default(environ, tmp_path).files]
    assert places[:3] == ["/a.json", "/b/config.json", "/run/user/1/containers/auth.json"]
    assert str(tmp_path / ".docker/config.json") in places


class TestHelper:
    @pytest.fixture
    def helper(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        path = tmp_path / "docker-credential-test"
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return path

    def script(self, path: Path, text: str) -> None:
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def test_it_is_asked_for_the_server(self, helper: Path, file: Path) -> None:
        self.script(
            helper,
            'read server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$server\\",\\"Secret\\":\\"s\\"}"',
        )
        chain = keychain(file, {"credHelpers": {"registry.example": "test"}})
        assert chain.find(APP) == Credential("registry.example", "s")
        assert keychain(file, {"credsStore": "test"}).find(APP) == Credential("registry.example", "s")

    def test_a_token_user_means_an_identity_token(self, helper: Path, file: Path) -> None:
        self.script(helper, 'echo \'{"Username":"<token>","Secret":"refresh"}\'')
        assert keychain(file, {"credsStore": "test"}).find(APP) == Credential(identity_token="refresh")

    def test_knowing_nothing_is_anonymity(self, helper: Path, file: Path) -> None:
        self.script(helper, "echo 'credentials not found in native keychain'; exit 1")
        assert keychain(file, {"credsStore": "test"}).find(APP) is None

    def test_its_failure_is_told_without_its_words(self, helper: Path, file: Path) -> None:
        self.script(helper, "echo 'the secret is hunter2' >&2; exit 7")
        with pytest.raises(CannotCheck) as caught:
            keychain(file, {"credsStore": "test"}).find(APP)
        assert "hunter2" not in str(caught.value)
        assert "7" in str(caught.value)

    def test_its_absence_is_told(self, helper: Path, file: Path) -> None:
        with pytest.raises(CannotCheck, match="not installed"):
            keychain(file, {"credsStore": "test"}).find(APP)


def test_secrets_do_not_show() -> None:
    secret = Credential("me", "hunter2", "refresh3")
    chain = Keychain(given={"registry.example": secret})
    assert not any(word in repr(chain) + repr(secret) for word in ("hunter2", "refresh3"))
