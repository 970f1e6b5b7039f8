"""The files of a version under the names of the spec."""

import json
from datetime import UTC, datetime
from math import nan

import numpy as np
import pytest

from pawl.errors import InputError
from pawl.ids import ModelVersion
from pawl.learners.reversal_files import VersionFacts, named_files
from pawl.ledger.version_number import VersionNumber
from pawl.models.reversal_config import ReversalNetConfig
from pawl.models.reversal_model import ReversalNet
from pawl.models.reversal_training import fresh_reversal
from pawl.models.scaler import Standardiser

AT = datetime(2025, 10, 21, 2, tzinfo=UTC)
DAILY = VersionNumber.parse("reversal-3.2").daily_of(AT.date()).version


def facts(version: str = DAILY, parent: str | None = "reversal-3.2", kind: str = "incremental") -> VersionFacts:
    return VersionFacts(
        version=ModelVersion(version),
        parent_version=None if parent is None else ModelVersion(parent),
        training_type=kind,
        trained_at=AT,
        metrics={"val_loss": 0.8, "test_loss": nan},
    )


def test_rev_r19_a_daily_version_names_its_parent_and_carries_its_scaler_and_features() -> None:
    config = ReversalNetConfig(hidden=4)
    model = ReversalNet(
        network=fresh_reversal(2, config, 1),
        standardiser=Standardiser(np.zeros(2), np.ones(2)),
        features=("a", "b"),
        class_prior=np.array([0.6, 0.2, 0.2]),
        config=config,
    )
    files = named_files(model.to_files(), facts())
    stem = "reversal-3.2-daily-20251021"
    assert sorted(files) == [
        f"{stem}_features.json",
        f"{stem}_metadata.json",
        f"{stem}_scaler.json",
        f"{stem}_stage1.safetensors",
        f"{stem}_stage2.safetensors",
    ]
    assert json.loads(files[f"{stem}_metadata.json"]) == {
        "version": stem,
        "parent_version": "reversal-3.2",
        "training_type": "incremental",
        "trained_at": "2025-10-21T02:00:00+00:00",
        "metrics": {"val_loss": 0.8, "test_loss": None},
    }


@pytest.mark.parametrize(
    ("parent", "kind"), [(None, "incremental"), ("reversal-3.2", "full"), (None, "daily"), ("reversal-3.2", "weekly")]
)
def test_rev_r19_an_update_without_a_parent_or_a_full_version_with_one_is_refused(
    parent: str | None, kind: str
) -> None:
    with pytest.raises(InputError, match="names its parent"):
        facts(parent=parent, kind=kind)
    assert facts(parent=None, kind="full").parent_version is None
