"""Every online condition broken on purpose, one at a time: each of these lives must notice."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pawl.gates.rollout_plan import RolloutSettings
from pawl.jobs.live import rollout_orders, rollouts, routing_now, stage_evidence, stage_rows
from pawl.ledger.database import Ledger
from pawl.ledger.evaluations import newest_report
from rollout_world import NEW, OLD, THIRD, Life, Said, better, harmful, standing, steady

QUICK = RolloutSettings(min_days=1, min_decisions=30)


def breach(life: Life) -> None:
    life.begin()
    life.put(1, 0.05)
    life.live(0.5, harmful)
    assert life.tick() == (OLD, NEW, 1, 0.0, "rolled_back", "refused")
    with life.ledger.reading() as tx:
        newest = newest_report(tx, NEW)
    assert newest is not None and not newest.verdict.passed


def better_leaves_shadow(life: Life) -> None:
    life.begin()
    life.live(9.5, better)
    assert life.tick()[2] == 0
    life.live(3.5, better)
    assert life.tick()[2:4] == (1, 0.05)
    with life.ledger.reading() as tx:
        newest = newest_report(tx, NEW)
    assert newest is not None and newest.verdict.rows[-1].metric == "paired_gain_low"


def equal_stays_in_shadow(life: Life) -> None:
    life.begin()
    life.live(13, steady)
    assert life.tick()[2:5] == (0, 0.0, "running")


def poor(version: str, number: int) -> Said:
    found = steady(version, number)  # type: ignore[arg-type]
    return found if version == OLD else replace(found, pnl=0.0009 if number % 10 < 6 else -0.001)


def worse_leaves_no_canary(life: Life) -> None:
    life.rules = {"rollout": QUICK}
    life.begin()
    life.put(1, 0.05)
    life.live(2.5, poor)
    assert life.tick()[2:5] == (1, 0.0, "rolled_back")


def earlier_stages_count_for_nothing(life: Life) -> None:
    life.rules = {"rollout": QUICK}
    life.begin()
    life.live(4, better)
    life.put(1, 0.05)
    life.live(0.5, better)
    assert life.tick()[2:4] == (1, 0.05)
    with life.ledger.reading() as tx:
        stored = rollouts.running_rollout(tx, "m002")
        assert stored is not None
        assert stage_evidence.gather(tx, life.world, stored, life.at).evidence.n_decisions == 24


def pause_holds(life: Life) -> None:
    life.rules = {"rollout": QUICK}
    life.begin()
    life.put(1, 0.05)
    life.live(2.5, better)
    life.rules["is_paused"] = lambda tx, learner, at: True
    assert life.tick()[2:4] == (1, 0.05)


def shadow_is_no_share(life: Life) -> None:
    life.begin()
    with life.ledger.reading() as tx:
        routing = routing_now.deciders(tx, "m002")
    found = [routing.of("EURUSD", "1h", life.at.replace(minute=minute)) for minute in range(60)]
    assert {(one.acting, one.shadows) for one in found} == {(OLD, (NEW,))}
    life.put(2, 0.2)
    with life.ledger.reading() as tx:
        routing = routing_now.deciders(tx, "m002")
    assert (
        0 < sum(routing.of("EURUSD", "1h", life.at.replace(minute=minute)).acting == NEW for minute in range(60)) < 30
    )


def ends_once(life: Life) -> None:
    life.plan = "reversal"
    life.begin()

    def winning(version: str, number: int) -> Said:
        wins = 8 if version == NEW else 5
        return Said(pnl=0.001 if number % 10 < wins else -0.001, confidence=wins / 10)

    life.live(6.9, winning)
    assert life.tick()[0] == OLD
    life.live(0.2, winning)
    assert life.tick()[0] == NEW


def champion_changed(life: Life) -> None:
    from ledger_world import promoted

    life.begin()
    life.put(1, 0.05)
    with life.ledger.transaction() as tx:
        promoted(tx, THIRD, on=800)
    assert life.tick() == (THIRD, NEW, 1, 0.0, "superseded", "challenger")


MUTANTS: list[tuple[ModuleType, str, str, Callable[[Life], None]]] = [
    (stage_evidence, "        rails=rails,\n", "        rails={},\n", breach),
    (stage_evidence, "look=look,\n        verdict", "look=None,\n        verdict", better_leaves_shadow),
    (stage_evidence, "judge(theirs, ours)", "judge(ours, ours)", worse_leaves_no_canary),
    (stage_evidence, "is_paused=world.rules.is_paused(tx, world.learner, at)", "is_paused=False", pause_holds),
    (stage_evidence, "if at >= test.ends_at else None", "if at > test.started_at else None", ends_once),
    (stage_evidence, "serving=champion(tx, world.learner)", "serving=state.champion", champion_changed),
    (stage_evidence, "count_resolved(rows, state.candidate)", "10**6", earlier_stages_count_for_nothing),
    (stage_evidence, "state.entered_at, at)\n    rails", "stored.started_at, at)\n    rails",
     earlier_stages_count_for_nothing),
    (stage_evidence, "pairs.gain_bps, at", "pairs.gain_bps * 0.0 + 0.1 * np.arange(len(pairs.gain_bps)), at",
     equal_stays_in_shadow),
    (stage_rows, "signal.created_at > since, ", "", earlier_stages_count_for_nothing),
    (rollout_orders, "        return 0.0\n    for order", "        return before\n    for order", breach),
    (rollout_orders, "        judged = proven_verdict(judged, gathered.look, world.rules.sequence)\n", "        pass\n",
     better_leaves_shadow),
    (rollout_orders, "return breach_verdict(stage.name, world.rules.rails, gathered.rails)", "return None", breach),
    (routing_now, "self.share, key", "1.0, key", shadow_is_no_share),
]  # fmt: skip


def rebuilt(module: ModuleType, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everybody who imports from the module have the functions of its broken source."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{old!r} stands there {source.count(old)} times"
    broken: dict[str, Any] = {**vars(module), "np": np}
    exec(compile(source.replace(old, new), str(module.__file__), "exec"), broken)
    original = dict(vars(module))
    for user in (module, stage_evidence, rollout_orders, rollouts, routing_now):
        for name, value in original.items():
            is_function = callable(value) and not isinstance(value, type) and value is not broken[name]
            if is_function and getattr(user, name, None) is value:
                monkeypatch.setattr(user, name, broken[name])
    if module is routing_now:
        monkeypatch.setattr(routing_now, "Deciders", broken["Deciders"])


LIVES = list(dict.fromkeys(check for *_, check in MUTANTS))


@pytest.mark.parametrize("check", LIVES, ids=lambda check: check.__name__)
def test_the_untouched_loop_passes_every_life(sqlite_ledger: Ledger, check: Callable[[Life], None]) -> None:
    check(Life(sqlite_ledger))


@pytest.mark.parametrize(
    "place", range(len(MUTANTS)), ids=[f"{one[0].__name__[15:]} {one[1].strip()[:40]}" for one in MUTANTS]
)
def test_the_lives_notice_the_broken_condition(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    module, old, new, check = MUTANTS[place]
    rebuilt(module, old, new, monkeypatch)
    with pytest.raises(Exception, match=r"(?s).*"):
        check(Life(sqlite_ledger))
    assert importlib.import_module(module.__name__) is module
    assert standing(sqlite_ledger)
