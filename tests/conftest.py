"""What tests share: real data and a browser, where they are present, ledgers on both databases, and a generator."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from browser import Page, chromium_binary, open_chromium
from ledger_fixtures import (
    empty_twin,
    empty_url,
    fresh_database,
    fresh_ledger,
    ledger,
    postgres,
    postgresql_ledger,
    sqlite_ledger,
)

__all__ = [
    "empty_twin",
    "empty_url",
    "fresh_database",
    "fresh_ledger",
    "ledger",
    "postgres",
    "postgresql_ledger",
    "sqlite_ledger",
]

# A deadline measures the machine: on shared cores it fails tests that are right. `make test` asks the same of everyone;
# `make soak` asks anew each time, with --hypothesis-profile=at-random.
settings.register_profile("at-random", deadline=None, derandomize=False)
settings.register_profile("pawl", deadline=None, derandomize=True, database=None)
settings.load_profile("pawl")

# What eight thousand tests are made of stays for the whole run. The collector would walk through it again and again:
# a seventh of the time of the ledger's tests.
gc.set_threshold(50_000, 20, 20)


def pytest_collection_finish() -> None:
    """From now on the collector looks only at what comes."""
    gc.freeze()


SHARED_DATA = Path(os.environ.get("PAWL_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real market data; a test that needs it is skipped where it is absent, and says so."""
    if not (SHARED_DATA / "bars").is_dir():
        pytest.skip(f"no real market data at {SHARED_DATA}: set PAWL_SHARED_DATA to the folder that holds bars/")
    return SHARED_DATA


@pytest.fixture
def rng() -> np.random.Generator:
    """A fresh generator with a fixed seed."""
    return np.random.default_rng(20240101)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A tab of a real headless Chromium; without one the tests that look at the page are skipped, and say so."""
    binary = chromium_binary()
    if binary is None:
        pytest.skip("NO CHROMIUM: the report was not opened in a browser. apt-get install chromium")
    with open_chromium(binary, tmp_path_factory.mktemp("chromium")) as page:
        yield page
