"""Evaluations a page at a time, and what changed from one version to the next."""

from datetime import timedelta
from uuid import UUID

import pytest

from ledger_world import day, trained
from passport_world import judge_version, serve_version
from pawl.ledger.database import Ledger
from pawl.ledger.evaluation_pages import EvaluationFilter, evaluations_page


def _versions(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        serve_version(tx, "m002-1.0", day(1), hit_rate=0.5)
        serve_version(tx, "m002-1.9", day(2), hit_rate=0.52)
        trained(tx, "m002-1.10")
        judge_version(tx, "m002-1.10", day(3), hit_rate=0.4)
        judge_version(tx, "m002-1.10", day(4), hit_rate=0.6)
        judge_version(tx, "m002-1.10", day(5), hit_rate=0.7, scope="shadow")


def test_a_version_is_listed_with_its_changes_against_the_one_before(ledger: Ledger) -> None:
    """PASS-R45: the preceding version is the next lower number, not the next lower text, in the same scope."""
    _versions(ledger)
    with ledger.reading() as tx:
        shadow, second, first = evaluations_page(tx, EvaluationFilter(model_version="m002-1.10"), 10)
    assert [one.report_number for one in (first, second, shadow)] == [1, 2, 3]
    assert (shadow.scope, shadow.preceding_version, shadow.changes) == ("shadow", None, ())
    for found, expected in ((first, -0.12), (second, 0.08)):
        change = found.changes[0]
        assert (found.preceding_version, found.baseline_version, change.metric) == ("m002-1.9", "m002-1.9", "hit_rate")
        assert (change.before, change.change) == (0.52, pytest.approx(expected))
    assert (first.gate_result, second.gate_result) == ("fail", "pass")


def test_the_change_is_against_the_newest_report_of_the_version_before(ledger: Ledger) -> None:
    _versions(ledger)
    with ledger.transaction() as tx:
        judge_version(tx, "m002-1.10", day(6), hit_rate=0.65)
        trained(tx, "m002-2.0")
        judge_version(tx, "m002-2.0", day(7), hit_rate=0.7)
        (found,) = evaluations_page(tx, EvaluationFilter(model_version="m002-2.0"), 10)
        (oldest,) = evaluations_page(tx, EvaluationFilter(model_version="m002-1.0"), 10)
    assert (found.preceding_version, found.changes[0].before) == ("m002-1.10", 0.65)
    assert (oldest.preceding_version, oldest.changes) == (None, ())


def test_reports_are_chosen_by_scope_and_result_and_role(ledger: Ledger) -> None:
    _versions(ledger)
    with ledger.reading() as tx:

        def count(**chosen: str) -> int:
            return len(evaluations_page(tx, EvaluationFilter(**chosen), 100))

        assert (count(), count(scope="shadow"), count(gate_result="fail")) == (5, 1, 1)
        assert (count(role="policy"), count(role="analyst"), count(model_version="m002-9.9")) == (5, 0, 0)


def test_pages_of_evaluations_leave_nothing_out_and_show_nothing_twice(ledger: Ledger) -> None:
    _versions(ledger)
    seen: list[UUID] = []
    before = None
    with ledger.reading() as tx:
        while rows := evaluations_page(tx, EvaluationFilter(before=before), 2):
            seen += [row.eval_id for row in rows]
            before = (rows[-1].created_at, rows[-1].eval_id)
        assert seen == [row.eval_id for row in evaluations_page(tx, EvaluationFilter(), 100)]
        newest = evaluations_page(tx, EvaluationFilter(), 1)[0]
    assert len(set(seen)) == 5
    assert newest.created_at == day(5) == day(1) + timedelta(days=4)
