"""`sbomkit generate` as people call it: exit codes, outputs, variables, messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.conftest import PROJECT

IMAGES = PROJECT / "fixtures" / "images"
APP = IMAGES / "app"


def test_the_default_away_from_a_terminal_is_cyclonedx(call: Call) -> None:
    result = call("generate", APP)
    assert result.code == 0
    assert json.loads(result.out)["bomFormat"] == "CycloneDX"
    assert result.err == ""


def test_several_outputs_of_one_reading(call: Call, tmp_path: Path) -> None:
    result = call(
        "generate", APP, "-o", "table", "-o", f"cyclonedx-json@1.5={tmp_path}/c", "-o", f"spdx-json={tmp_path}/s"
    )
    assert result.code == 0
    assert "openssl" in result.out
    assert json.loads((tmp_path / "c").read_bytes())["specVersion"] == "1.5"
    assert json.loads((tmp_path / "s").read_bytes())["spdxVersion"] == "SPDX-2.3"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c", "s"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["./nowhere"], "nowhere"),
        (["/no/where.tar"], "oci-dir:"),
        (["registry:Not A Reference"], "Not A Reference"),
        (["oci-dir:"], "PATH"),
        ([f"oci-dir:{APP}:2.0"], "1.0"),
        ([f"docker-archive:{IMAGES}/app.docker.tar:2.0"], "1.0"),
        ([APP, "-o", "cyclonedx-jsn"], "cyclonedx-json"),
        ([APP, "-o", "cyclonedx-json@9.9"], "1.6"),
        ([APP, "-o", "json="], "json"),
        ([APP, "--platform", "a/b/c/d"], "a/b/c/d"),
        ([APP, "--no-such-option"], "--no-such-option"),
        ([], "SOURCE"),
    ],
)
def test_a_wrong_call_exits_2_and_says_what_would_be_right(call: Call, args: list[object], said: str) -> None:
    result = call("generate", *args)
    assert result.code == 2
    assert said in result.err
    assert result.out == ""


def test_two_outputs_to_the_same_place(call: Call, tmp_path: Path) -> None:
    assert call("generate", APP, "-o", "table", "-o", "json").code == 2
    assert call("generate", APP, "-o", f"table={tmp_path}/x", "-o", f"json={tmp_path}/x").code == 2
    assert call("generate", APP, "-o", f"table={tmp_path}/x", "-o", f"json={tmp_path}/./x").code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_platform_that_is_not_offered(call: Call) -> None:
    result = call("generate", IMAGES / "platforms", "--platform", "windows/amd64")
    assert result.code == 2
    assert "linux/amd64" in result.err
    assert "linux/arm64/v8" in result.err


@pytest.mark.parametrize(
    ("wanted", "arch"), [("linux/amd64", "amd64"), ("linux/arm64", "arm64"), ("linux/arm64/v8", "arm64")]
)
def test_the_platform_asked_for_is_read(call: Call, wanted: str, arch: str) -> None:
    result = call("generate", IMAGES / "platforms", "--platform", wanted)
    purls = [component["purl"] for component in json.loads(result.out)["components"] if "purl" in component]
    assert result.code == 0
    assert any(f"libssl3@3.0.22-1~deb12u2?arch={arch}" in purl for purl in purls)


def test_a_single_image_of_another_platform_is_refused(call: Call) -> None:
    result = call("generate", APP, "--platform", "linux/s390x")
    assert result.code == 2
    assert "linux/amd64" in result.err


def test_options_by_variables(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SBOMKIT_NAME", "from-the-variable")
    monkeypatch.setenv("SBOMKIT_OUTPUT", f"json={tmp_path}/a table={tmp_path}/b")
    assert call("generate", APP).code == 0
    assert json.loads((tmp_path / "a").read_bytes())["subject"]["name"] == "from-the-variable"
    assert (tmp_path / "b").exists()
    result = call("generate", APP, "--name", "from-the-call", "-o", "json")
    assert json.loads(result.out)["subject"]["name"] == "from-the-call"
    monkeypatch.setenv("SBOMKIT_PLATFORM", "linux/arm64")
    assert "arm64" in call("generate", IMAGES / "platforms", "-o", "json").out


def test_the_time_is_the_image_s_own_or_source_date_epoch(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(call("generate", APP).out)["metadata"]["timestamp"] == "2024-02-29T12:00:00Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert json.loads(call("generate", APP).out)["metadata"]["timestamp"] == "1970-01-02T00:00:00Z"
    for wrong in ("yesterday", "1e9", "9" * 30):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", wrong)
        assert call("generate", APP).code == 2


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A root filesystem with nothing in it."""
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def test_an_empty_answer_is_never_silent(call: Call, empty: Path) -> None:
    result = call("generate", empty, "-o", "json")
    assert result.code == 0
    assert "coverage: none" in result.err
    assert call("generate", empty, "-o", "json", "-q").err == ""
    assert call("generate", empty, "-o", "json", "--strict").code == 1


def test_an_issue_is_told_with_v_and_refused_with_strict(call: Call, empty: Path) -> None:
    status = empty / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text("Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStat")
    result = call("generate", empty, "-o", "json", "-v")
    assert result.code == 0
    assert "issue: /var/lib/dpkg/status" in result.err
    assert "/var/lib/dpkg/status" in json.dumps(json.loads(result.out)["issues"])
    assert call("generate", empty, "-o", "json", "--strict").code == 1


def test_a_directory_that_cannot_be_written_leaves_nothing_behind(call: Call, tmp_path: Path) -> None:
    result = call("generate", APP, "-o", f"json={tmp_path}/missing/a.json")
    assert result.code == 3
    assert "missing" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_directory(call: Call, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert call("generate", APP, "-o", f"json={tmp_path}/a.json").code == 3
    assert list(tmp_path.iterdir()) == []


def test_a_failed_reading_leaves_the_old_file_as_it_was(call: Call, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("old")
    (tmp_path / "broken.tar").write_bytes(b"x" * 2000)
    assert call("generate", f"tar:{tmp_path}/broken.tar", "-o", f"json={tmp_path}/a.json").code == 3
    assert (tmp_path / "a.json").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "broken.tar"]


def test_an_existing_file_is_replaced_and_keeps_its_mode(call: Call, tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    target.chmod(0o640)
    assert call("generate", APP, "-o", f"json={target}").code == 0
    assert json.loads(target.read_bytes())["format"] == "sbomkit-inventory"
    assert target.stat().st_mode & 0o777 == 0o640


def run(*args: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sbomkit", *args],
        cwd=PROJECT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


def test_no_colours_and_no_progress_in_pipes() -> None:
    for variables in ({}, {"NO_COLOR": "1"}, {"TERM": "xterm-256color"}):
        done = run("generate", str(APP), "-o", "table", **variables)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout + done.stderr
        assert "\x1b" not in run("generate", "./nowhere", **variables).stderr


def test_a_reader_that_stops_reading_is_no_fault() -> None:
    command = f"{sys.executable} -m sbomkit generate {APP} -o json | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(call: Call, shell: str) -> None:
    result = call("completion", shell)
    assert result.code == 0
    assert "_SBOMKIT_COMPLETE" in result.out


def test_help_has_examples_and_names_every_command(call: Call) -> None:
    top = call("--help")
    assert "Examples:" in top.out
    for command in ("generate", "completion"):
        assert command in top.out
        assert "Examples:" in call(command, "--help").out


def test_an_unknown_command_and_none_at_all(call: Call) -> None:
    assert call("no-such-command").code == 2
    assert "Commands:" in (lambda r: r.out + r.err)(call())
