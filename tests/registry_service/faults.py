"""What a registry may be told to do wrong: for which requests, how often."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass
class Fault:
    """Applies to requests `METHOD path` that `match` finds, `times` times."""

    match: str
    action: str
    """`drop`: close without an answer. `status`: answer with `status`. `cut`: close after `after` body bytes.
    `corrupt`: flip the body's last byte. `longer`, `shorter`: a body of another length, honestly announced.
    `redirect`: to `location`. `expire`: forget all tokens first. `body`: answer 200 with `body`.
    `arrived-then-drop`: do it, and close without an answer."""
    times: int = 1
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    after: int = 0
    location: str = ""
    body: bytes = b""
    hits: int = 0

    def takes(self, request: str) -> bool:
        if self.hits < self.times and re.search(self.match, request):
            self.hits += 1
            return True
        return False
