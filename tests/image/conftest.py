from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.registry_service.server import Registry, serving


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as found:
        yield found
