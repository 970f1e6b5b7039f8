"""Proofs in a workspace: made once, and asked for again when a bar changes."""

import polars as pl
import pytest

from pawl.jobs import proving
from pawl.jobs.proving import prove_bars, require_proof
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002
from pawl.market.bars import BAR_COLUMNS
from small_workspace import DAILY, NOW, SMALL, fill, nobody


def test_a_passed_proof_is_remembered_for_its_bars_and_no_others(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(workspace, ("AAA",), n_bars=90)
    spec = M002(SMALL).spec
    bars = workspace.silver.scan(DAILY).collect()
    earlier = bars.head(80)
    assert not prove_bars(workspace, spec, earlier, nobody).mismatches
    monkeypatch.setattr(proving, "prove", None)  # a second proof would fail
    require_proof(workspace, spec, earlier, nobody)
    require_proof(workspace, spec, bars, nobody)  # the whole store is vouched for
    moved = bars.select(BAR_COLUMNS).with_columns(pl.col("volume") * 2)
    workspace.silver.merge(moved, DAILY, None, source="test", now=NOW)
    with pytest.raises(TypeError):
        require_proof(workspace, spec, workspace.silver.scan(DAILY).collect(), nobody)
