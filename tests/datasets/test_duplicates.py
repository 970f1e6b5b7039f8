"""A prompt with its response stands once."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pawl.datasets.duplicates import distinct_rows
from trajectory_rows import trajectories


def test_pass_r13_the_earliest_of_each_prompt_and_response_stays_and_the_others_are_counted() -> None:
    same: dict[str, object] = {"prompt_hash": "p", "response_hash": "r"}
    rows = trajectories(
        same | {"hours": 5},
        same | {"hours": 2, "split": "eval"},
        {"prompt_hash": "p"},
        {"response_hash": "r"},
        same | {"hours": 9},
    )
    found = distinct_rows(rows)
    assert found.rows["trajectory_id"].to_list() == ["t0001", "t0002", "t0003"]
    assert found.n_duplicates == 2


def test_pass_r13_of_one_instant_the_smaller_id_stays() -> None:
    same: dict[str, object] = {"prompt_hash": "p", "response_hash": "r", "hours": 1}
    assert distinct_rows(trajectories(same, same).reverse()).rows["trajectory_id"].to_list() == ["t0000"]


keys = st.fixed_dictionaries(
    {"prompt_hash": st.sampled_from("ab"), "response_hash": st.sampled_from("ab"), "hours": st.integers(0, 3)}
)


@given(st.lists(keys, max_size=12))
def test_pass_r13_what_is_kept_is_unique_and_nothing_is_lost(changed: list[dict[str, object]]) -> None:
    rows = trajectories(*changed)
    found = distinct_rows(rows)
    pairs = set(zip(rows["prompt_hash"], rows["response_hash"], strict=True))
    assert found.rows.height == len(pairs) == rows.height - found.n_duplicates
    assert distinct_rows(found.rows).rows.equals(found.rows)
    first = rows.group_by("prompt_hash", "response_hash").agg(pl.col("decided_at").min())
    assert sorted(found.rows["decided_at"]) == sorted(first["decided_at"])
