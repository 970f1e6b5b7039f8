"""An answer holds the ids of what was written, and nothing of what was asked."""

from serving_world import CONVERT, OPEN, TRACK, World

IDS = {"event_id", "trace_id", "inference_id", "recorded_at"}


def test_each_path_answers_with_its_ids(world: World) -> None:
    tracked = world.post("/api/signals/track", TRACK).json()
    opened = world.post("/api/quick-trades/open", OPEN).json()
    converted = world.post(f"/api/signals/{tracked['signal_id']}/convert", CONVERT).json()
    closed = world.post(f"/api/quick-trades/{opened['trade_id']}/close", {"exit_price": 101.0}).json()
    assert set(tracked) == IDS | {"signal_id"}
    assert set(opened) == set(converted) == IDS | {"trade_id"}
    measured = {"pnl", "pnl_bps", "max_drawdown_bps", "hold_sec", "slippage_bps"}
    assert set(closed) == IDS | {"entry_id"} | measured
    assert tracked["recorded_at"] == "2024-03-01T12:00:00Z"
