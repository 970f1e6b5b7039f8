"""From a recorded workspace to a fresh one in which its run is lived again, under the same settings."""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from pawl.cli.composition import learner_named, rollout_world_of, settings_hash, terms_of
from pawl.cli.live_world import cycles_under
from pawl.errors import InputError
from pawl.jobs.live.bootstrapping import prepare
from pawl.jobs.live.driver import Observed
from pawl.jobs.live.lived_latencies import lived_ms
from pawl.jobs.live.operator_acts import ActWorld, do_again, require_doable
from pawl.jobs.live.playing import play
from pawl.jobs.live.recorded_run import ACT, RecordedRun, recorded_run
from pawl.jobs.live.recorded_source import RecordedSource
from pawl.jobs.live.run_facts import Facts, Whose, facts_of
from pawl.jobs.live.simulated_market import market_of
from pawl.jobs.live.trade_arrivals import RecordedTrades
from pawl.jobs.live.turn import Turn
from pawl.jobs.live.watch import Run
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.workspace import Workspace
from pawl.lake.backfill import Patience
from pawl.ledger.database import Ledger
from pawl.ledger.used_numbers import use_up, used_before_first
from pawl.settings import Settings

__all__ = ["played_again"]

PLAYING = "playing"


class _Told(Observed):
    """Tells how far the play has come."""

    def __init__(self, recorded: RecordedRun, told: Callable[[str, float], None]) -> None:
        self._recorded, self._told = recorded, told

    def ended(self, run: Run) -> None:
        whole = (self._recorded.until.at - self._recorded.since).total_seconds()
        passed = (run.at - self._recorded.since).total_seconds()
        self._told(PLAYING, min(1.0, passed / whole) if whole > 0 else 1.0)


def played_again(
    settings: Settings, ledger: Ledger, learner: str, into: Workspace, told: Callable[[str, float], None]
) -> tuple[Facts, Facts]:
    """Play the life of a learner again in an empty workspace: what it left when it was lived, and what now. settings,
    ledger: of where it lived.

    InputError where the settings are not those of the run, or an act in it cannot be done again.
    """
    with ledger.reading() as tx:
        recorded = recorded_run(tx, learner)
        require_doable([one.entry for one in recorded.effects if one.kind == ACT])
        source = RecordedSource(tx, settings.home, learner)
        took = lived_ms(tx, learner)
        trades = RecordedTrades(tx, learner)
        used = used_before_first(tx, learner)
    if recorded.chosen["settings"] != settings_hash(settings):
        raise InputError(
            "the settings are not those under which the run was lived",
            where=str(settings.home / "settings.toml"),
            fix="play it with the settings, and the learner, of that day",
        )
    source.verify()  # a cycle that fails is a fact of the run; a record that is spoiled is not
    world = replace(_world(settings, recorded, source, into), trades=trades)
    history = market_of(world.learner.spec).history
    with world.ledger.transaction() as tx:
        use_up(tx, used)
    # What was received is read, and nobody has to be waited for.
    prepare(world, recorded.prepared_at, history, terms_of(settings), Patience(sleep=lambda seconds: None), told)
    turn = Turn()
    acts = ActWorld(
        workspace=into,
        learner=world.learner,
        rollouts=rollout_world_of(learner, settings.model_copy(update={"home": into.home}), world.ledger),
        terms=terms_of(settings),
        clock=monotonic,
    )
    cycles = cycles_under(world, settings, turn, lived_ms=took)
    play(world, recorded, cycles, turn, lambda act: do_again(acts, act), _Told(recorded, told))
    whose = Whose(learner=learner, timeframe=str(world.learner.spec.timeframe), tickers=world.tickers)
    with ledger.reading() as lived, world.ledger.reading() as played:
        return facts_of(lived, whose), facts_of(played, whose)


def _world(settings: Settings, recorded: RecordedRun, source: RecordedSource, workspace: Workspace) -> LiveWorld:
    chosen = recorded.chosen
    learner = learner_named(recorded.learner, settings)
    return LiveWorld(
        workspace=workspace,
        learner=learner,
        tickers=tuple(chosen["tickers"]),
        source=source,
        costs=settings.costs,
        limits=settings.quality,
        settings=settings.live,
        seed=chosen["seed"],
        n_jobs=settings.n_jobs,
        calendar=market_of(learner.spec).calendar if chosen["is_simulated"] else None,
    )
