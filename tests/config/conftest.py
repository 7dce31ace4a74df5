from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config import processes


@pytest.fixture
def folder() -> Iterator[Path]:
    with processes.data_folder() as data_dir:
        yield data_dir
