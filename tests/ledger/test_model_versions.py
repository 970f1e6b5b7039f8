"""Versions are recorded once, come back whole, and are listed by their numbers."""

from dataclasses import replace

import pytest

from ledger_world import START, judged, new_version, promoted, trained
from pawl.errors import NotFoundError, RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.model_versions import champion, get_version, list_versions, record_version
from pawl.ledger.version_number import claim_number


def test_a_version_comes_back_as_it_was_recorded(ledger: Ledger) -> None:
    new = new_version("m002-1.0")
    with ledger.transaction() as tx:
        record_version(tx, new, START)
    with ledger.reading() as tx:
        found = get_version(tx, "m002-1.0")
    for name in ("version", "trained_at", "max_t1", "dataset_hash", "artifact", "tickers", "certificate", "metrics",
                 "baselines", "train_job_id", "role", "model_type", "parent"):  # fmt: skip
        assert getattr(found, name) == getattr(new, name), name
    assert (found.learner, found.status, found.is_active, found.verdict) == ("m002", "challenger", False, None)


def test_a_version_is_recorded_once_and_its_number_is_taken(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        record_version(tx, new_version("reversal-3.2"), START)
        with pytest.raises(RefusalError, match="recorded already"):
            record_version(tx, new_version("reversal-3.2"), START)
        assert str(claim_number(tx, "reversal", START)) == "reversal-3.3"


def test_versions_are_listed_by_number_with_their_verdicts(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for minor in (10, 9, 2):
            trained(tx, f"m002-1.{minor}")
        judged(tx, "m002-1.9")
        trained(tx, "risk-1.0")
        listed = [(one.version, one.verdict) for one in list_versions(tx, "m002")]
        everything = [one.version for one in list_versions(tx)]
    assert listed == [("m002-1.2", None), ("m002-1.9", "pass"), ("m002-1.10", None)]
    assert everything == ["m002-1.2", "m002-1.9", "m002-1.10", "risk-1.0"]


def test_daily_updates_stand_behind_their_base_and_take_no_number(ledger: Ledger) -> None:
    daily = replace(new_version("m002-1.0-daily-20240105"), model_type="incremental", parent=ModelVersion("m002-1.0"))
    with ledger.transaction() as tx:
        record_version(tx, new_version("m002-1.0"), START)
        record_version(tx, daily, START)
        assert [one.version for one in list_versions(tx)] == ["m002-1.0", "m002-1.0-daily-20240105"]
        assert str(claim_number(tx, "m002", START)) == "m002-1.1"
        assert get_version(tx, daily.version).parent == "m002-1.0"


def test_an_incremental_version_without_a_parent_is_refused(ledger: Ledger) -> None:
    with pytest.raises(RefusalError, match="ck_model_versions_parent_version"), ledger.transaction() as tx:
        record_version(tx, replace(new_version("m002-1.0"), model_type="incremental"), START)


def test_an_unknown_version_lists_the_known_ones(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        with pytest.raises(NotFoundError) as nothing:
            get_version(tx, "reversal-3.3")
        trained(tx, "m002-1.0")
        with pytest.raises(NotFoundError) as other:
            get_version(tx, "m002-9.9")
    assert nothing.value.fix.endswith("pawl train reversal")
    assert "m002-1.0" in other.value.fix


def test_the_champion_is_asked_for_by_learner_and_role(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert champion(tx, "m002") is None
        promoted(tx, "m002-1.0", on=1)
        assert (champion(tx, "m002"), champion(tx, "m002", "analyst"), champion(tx, "risk")) == ("m002-1.0", None, None)
