"""The image config that matters at run time: what was set to what. Values that look secret are never shown.

https://github.com/opencontainers/image-spec/blob/main/config.md
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from sbomkit.diff.types import ConfigChange
from sbomkit.model.secrets import redact

Config = Iterable[tuple[str, str]]
Settings = dict[tuple[str, str], str]

_NAMES = {
    "User": "user",
    "Entrypoint": "entrypoint",
    "Cmd": "cmd",
    "Env": "env",
    "ExposedPorts": "ports",
    "Volumes": "volumes",
    "WorkingDir": "workdir",
    "Healthcheck": "healthcheck",
    "StopSignal": "stopsignal",
    "Labels": "labels",
    "OnBuild": "onbuild",
    "Shell": "shell",
    "ArgsEscaped": "args-escaped",
}


def config_changes(before: Config, after: Config) -> tuple[ConfigChange, ...]:
    """Sorted by setting and key."""
    old, new = _settings(before), _settings(after)
    changes: list[ConfigChange] = []
    for setting, key in sorted(old.keys() | new.keys()):
        one, other = old.get((setting, key)), new.get((setting, key))
        if one == other:
            continue
        shown_old, hidden_old = redact(key or setting, one) if one is not None else (None, False)
        shown_new, hidden_new = redact(key or setting, other) if other is not None else (None, False)
        changes.append(ConfigChange(setting, key, shown_old, shown_new, hidden_old or hidden_new))
    return tuple(changes)


def settings(config: Config) -> Settings:
    """(setting, key) to value, redacted; for showing one side alone."""
    return {at: redact(at[1] or at[0], value)[0] for at, value in _settings(config).items()}


def _settings(config: Config) -> Settings:
    found: Settings = {}
    for name, raw in config:
        value = _load(raw)
        group, colon, key = name.partition(":")
        if colon:
            found[({"Label": "labels"}.get(group) or _NAMES.get(group, group.lower()), key)] = _shown(value)
            continue
        setting = _NAMES.get(name, name.lower())
        if setting == "env" and isinstance(value, list):
            for item in value:
                variable, _, text = _shown(item).partition("=")
                found["env", variable] = text
        elif setting in ("ports", "volumes", "labels") and isinstance(value, dict):
            found.update(
                ((setting, str(item)), "" if setting != "labels" else _shown(held)) for item, held in value.items()
            )
        elif setting in ("ports", "volumes") and isinstance(value, list):
            found.update(((setting, _shown(item)), "") for item in value)
        elif value not in (None, "", [], {}, False):
            found[setting, ""] = _shown(value)
    return found


def _load(raw: str) -> object:
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    return value


def _shown(value: object) -> str:
    """As people write it: a command line's words as JSON, a text as it is."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    except RecursionError:
        return "(nested too deep to show)"
