"""The compose loader against the specification's examples, which stand in ../data as tables."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sbomkit.errors import CannotCheck
from sbomkit.policy.compose import Options, load_project
from sbomkit.policy.compose.dotenv import read_env
from sbomkit.policy.compose.interpolate import Names, TemplateError, interpolate
from sbomkit.policy.marked import MarkedError, plain_value

DATA = Path(__file__).parent.parent / "data"


def cases(name: str) -> list[Any]:
    found = yaml.safe_load((DATA / name).read_text())
    assert len(found) > 20
    return [pytest.param(case, id=str(case.get("name", case.get("text")))) for case in found]


@pytest.mark.parametrize("case", cases("interpolation.yaml"))
def test_interpolation(case: dict[str, Any]) -> None:
    names = Names()
    if "error" in case:
        with pytest.raises(TemplateError, match=case["error"].replace("$", r"\$")):
            interpolate(case["text"], case.get("env", {}).get, names)
        return
    assert interpolate(case["text"], case.get("env", {}).get, names) == case["value"]
    if "lacks" in case:
        assert sorted(names.unset) == case["lacks"]


@pytest.mark.parametrize("case", cases("dotenv.yaml"))
def test_environment_files(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(MarkedError) as caught:
            read_env(case["text"], "f", case.get("given", {}))
        assert case["error"] in str(caught.value)
        return
    assert read_env(case["text"], "f", case.get("given", {})) == case["found"]


@pytest.mark.parametrize("case", cases("merge.yaml"))
def test_merge(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = []
    for number, text in enumerate(case["files"]):
        paths.append(Path(f"{number}.yaml"))
        paths[-1].write_text(text)
    options = Options(environment=case.get("env", {}))
    if "error" in case:
        with pytest.raises(CannotCheck) as caught:
            load_project(paths, options)
        assert case["error"] in str(caught.value)
        return
    assert plain_value(load_project(paths, options).root) == case["whole"]


@given(st.text(alphabet="${}:-?+AB \\'\"#=\n", max_size=60))
def test_any_text_is_a_value_or_a_named_error(text: str) -> None:
    environment = {"A": "1"}
    with contextlib.suppress(TemplateError):
        assert isinstance(interpolate(text, environment.get), str)
    with contextlib.suppress(MarkedError):
        assert all(isinstance(value, str) for value in read_env(text, "f", environment).values())


def test_deep_nesting_and_great_length_are_named() -> None:
    with pytest.raises(TemplateError, match="deeper"):
        interpolate("${A:-" * 5000 + "}" * 5000, dict[str, str]().get)
    with pytest.raises(TemplateError, match="characters"):
        interpolate("$A" * 1000, {"A": "x" * 10_000}.get)
