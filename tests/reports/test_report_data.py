"""Values that a page cannot be made of are refused where they are made."""

import polars as pl
import pytest

from pawl.errors import SchemaError
from pawl.reports.report_data import ActionCounts, CurveRole, EquityCurve, StateProbabilities, Trades


def test_a_frame_without_its_columns_is_refused_by_name() -> None:
    with pytest.raises(SchemaError, match=r"EquityCurve `m002-1\.0` lacks the columns equity, drawdown"):
        EquityCurve(name="m002-1.0", role=CurveRole.MODEL, frame=pl.DataFrame({"ts": []}))
    with pytest.raises(SchemaError, match="ActionCounts lacks the columns n_flat"):
        ActionCounts(pl.DataFrame({"month": [], "n_long": [], "n_short": []}))
    with pytest.raises(SchemaError, match="Trades lacks the columns"):
        Trades(pl.DataFrame())
    with pytest.raises(SchemaError, match="StateProbabilities lacks the columns state_prob_peak"):
        StateProbabilities(states=("state_prob_peak",), frame=pl.DataFrame({"ticker": [], "ts": [], "close": []}))
