"""A fortnight by the calendar: what is due happens once, in its order, and no update is deployed during a test."""

from small_cadence import told, whole
from training_world import SUNDAY


def test_rev_r10_everything_due_happens_once_in_its_order() -> None:
    keys = [one["event"] for one in whole()["verdicts"]]
    assert len(set(keys)) == len(keys)
    assert [len(told(whole(), kind)) for kind in ("first", "weekly", "daily", "monthly")] == [1, 1, 9, 0]
    assert keys.index(f"weekly@{SUNDAY.isoformat()}") < keys.index(f"daily@{SUNDAY.replace(hour=2).isoformat()}")
    assert whole()["daily"]["due"] == 9
    assert whole()["daily"]["skipped"] == 2, "Sunday and Monday"
    assert sum(whole()["daily"][name] for name in ("skipped", "passed", "failed")) == 9


def test_rev_r32_no_update_is_deployed_while_the_test_runs() -> None:
    (weekly,) = told(whole(), "weekly")
    assert weekly["test"] == weekly["version"]
    after = [one for one in told(whole(), "daily") if one["event"] > f"daily@{SUNDAY.isoformat()}" and "version" in one]
    assert after
    assert not any(one["is_deployed"] for one in after)
