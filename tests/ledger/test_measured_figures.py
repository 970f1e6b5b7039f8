"""The figures of the newest look."""

from ledger_world import day
from pawl.ledger.database import Ledger
from pawl.ledger.measured_figures import keep_figures, kept_figures


def test_the_figures_of_the_newest_look_stand_for_each_learner(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert kept_figures(tx, "tiny", day(9)) is None
        for learner, on in (("tiny", 2), ("tiny", 3), ("tiny", 1), ("m002", 5)):
            keep_figures(tx, learner, {"psi": 0.1 * on, "why": None}, day(on))
        assert kept_figures(tx, "tiny", day(9)) == {"psi": 0.1 * 3, "why": None}
        assert kept_figures(tx, "tiny", day(2)) is None  # what was found later is not known yet
        keep_figures(tx, "tiny", {"psi": None}, day(3))
        assert kept_figures(tx, "tiny", day(3)) == {"psi": None}  # a look that is repeated
