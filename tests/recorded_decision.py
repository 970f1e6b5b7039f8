"""One inference and the decision that was taken on it, for tests that write them down."""

from ledger_world import day
from pawl.ids import ModelVersion
from pawl.ledger.identity import identity
from pawl.ledger.inferences import Inference, Trajectory

__all__ = ["INFERENCE", "TRAJECTORY"]

INFERENCE = Inference(
    inference_id=identity("inference", 1),
    trace_id="m002/gated/BTCUSDT/2024-01-02",
    model_version=ModelVersion("m002-1.0"),
    learner="m002",
    prompt_hash="p" * 64,
    prompt_payload={"ticker": "BTCUSDT"},
    response_payload={"probability": 0.6},
    created_at=day(1),
)
TRAJECTORY = Trajectory(
    trajectory_id=identity("trajectory", 1),
    trace_id=INFERENCE.trace_id,
    source_event_id=identity("event", 1),
    inference_id=INFERENCE.inference_id,
    learner="m002",
    context_features={"volatility": 0.02},
    decision_features={"action": "long", "position_size": 0.5},
    created_at=day(1),
)
