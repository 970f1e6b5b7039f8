"""A live world is a world of trainings."""

from pawl.jobs.live.training_world import TrainingWorld
from pawl.jobs.live.world import LiveWorld


def test_a_live_world_has_all_that_a_training_works_on() -> None:
    wanted = {name for name in vars(TrainingWorld) if not name.startswith("_")}
    assert wanted == {"workspace", "learner", "tickers", "costs", "limits", "seed", "n_jobs", "ledger"}
    assert wanted <= {*LiveWorld.__dataclass_fields__, *vars(LiveWorld)}
