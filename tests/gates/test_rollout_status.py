"""A rollout as a program reads it."""

import json
import math

import rollout_cases as cases
from online_gates import real
from pawl.gates.rollout_status import status_row

G = real()


def test_a_status_is_json_with_what_was_asked_for() -> None:
    evidence = cases.good(
        G, rails=cases.figures(G, ece=G.Figure(math.nan, 100), error_rate=G.Unmeasured("no log")),
        look=G.Look(n_blocks=9, mean_bps=4.0, low_bps=-math.inf),
    )  # fmt: skip
    row = status_row(cases.at(G, "default", 1), cases.plan(G), cases.rails(G), evidence)
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert list(row) == ["version", "stage", "entered", "decisions", "guard_rails", "test"]
    assert (row["version"], row["stage"], row["decisions"]) == (cases.NEW, "canary 5 %", 100)
    assert row["test"] == {"mean": 4.0, "low": None, "blocks": 9}
    rails = row["guard_rails"]
    assert isinstance(rails, dict)
    assert rails["max_drawdown_bps"] == {"value": 500.0, "limit": 500.0, "n": 120, "min_n": 1, "is_broken": False}
    assert rails["ece"] == {"value": None, "limit": 0.2, "n": 100, "min_n": 100, "is_broken": True}
    assert rails["error_rate"] == {"value": None, "limit": 0.02, "n": 0, "min_n": 20, "is_broken": False}


def test_a_stage_without_a_test_has_none() -> None:
    row = status_row(cases.at(G, "meta", 0), cases.plan(G, "meta"), cases.rails(G), cases.good(G, "meta", look=None))
    assert row["test"] == {"mean": None, "low": None, "blocks": 0}
