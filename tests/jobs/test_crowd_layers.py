"""Layers of a crowd, where there is too little or something is wrong; whole ones are in serving/test_crowd_service."""

from datetime import timedelta
from pathlib import Path

import pytest

from decision_events import START, chain, closed, record
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.versions import DatasetRequest
from pawl.errors import QualityError, RefusalError
from pawl.evaluation.behaviour_settings import BehaviourSettings
from pawl.jobs.crowd_layers import DATASETS, Stopwatch, Wanted, build_layers, find_weaknesses
from pawl.jobs.learning_status import PassportRules
from pawl.ledger.database import Ledger
from pawl.policy.personas import PERSONAS

SETTINGS = PassportSettings()
NOW = START + timedelta(days=2)


def wanted() -> Wanted:
    requests = [
        DatasetRequest(dataset_type=name, start=START, end=NOW, settings=SETTINGS, seed=7, code="test")
        for name in DATASETS
    ]
    return Wanted(settings=SETTINGS, requests=requests)


def test_too_little_for_a_dataset_is_an_honest_no_and_everything_is_counted(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        record(tx, [row for key in "ab" for row in chain(key)])
    watch = Stopwatch()
    layers = build_layers(ledger, tmp_path, wanted(), NOW, watch, lambda fraction: None)
    assert (layers.n_events, layers.n_lake_records, layers.n_trajectories) == (6, 6, 2)
    assert sum(layers.labels.values()) == 2
    assert isinstance(layers.datasets["sft"], QualityError)
    assert layers.n_samples("sft") == 0
    assert {*watch.seconds} == {"fold", *DATASETS}


def test_an_event_that_cannot_be_folded_ends_it(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        record(tx, [closed("a")])
    with pytest.raises(RefusalError, match="wait for what never came"):
        build_layers(ledger, tmp_path, wanted(), NOW, Stopwatch(), lambda fraction: None)


def test_users_who_did_nothing_show_nothing(ledger: Ledger) -> None:
    rules = PassportRules(behaviour=BehaviourSettings(), passport=SETTINGS)
    found = find_weaknesses(ledger, 7, 12, rules, NOW)
    assert [one.persona for one in found] == list(PERSONAS)
    assert sum(one.n_users for one in found) == 12
    assert all(one.n_shown == {} for one in found)
