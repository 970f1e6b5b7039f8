"""The ledger of the benchmark at a fiftieth of its size: every type is built, and verified."""

import importlib.util
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa

from dataset_world import NOW
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.versions import DatasetRequest, build_dataset, verify_dataset
from pawl.ledger.database import Ledger

BENCH = Path(__file__).resolve().parents[2] / "bench" / "datasets.py"
N_ROWS = 20_000


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_datasets", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def home(bench: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("large")
    bench.fill(str(sa.URL.create("sqlite", database=str(made / "ledger.db"))), N_ROWS)
    return made


@pytest.mark.parametrize("kind", ["pretrain", "sft", "orpo"])
def test_a_large_dataset_is_built_and_verified(bench: ModuleType, home: Path, kind: str) -> None:
    ledger = Ledger.open(home)
    window = {"start": bench.START, "end": bench.START + timedelta(days=bench.DAYS)}
    request = DatasetRequest(dataset_type=kind, settings=PassportSettings(), seed=7, code="test", **window)
    built = build_dataset(ledger, home, request, NOW)
    assert built.quality["n_finished"] == N_ROWS
    assert built.quality["n_rule_breakers"] > 1000
    assert verify_dataset(ledger, home, built.dataset_version_id).is_identical
    ledger.close()
