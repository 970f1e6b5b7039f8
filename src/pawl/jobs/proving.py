"""Proofs over a workspace: made once for a feature set and its bars, and remembered."""

from collections.abc import Callable

import polars as pl

from pawl.features.findings import Proof
from pawl.features.proof import prove
from pawl.ids import DatasetHash
from pawl.jobs.workspace import Workspace
from pawl.lake.proofs import ProofRecords
from pawl.learners.learner import LearnerSpec
from pawl.market.fingerprint import hash_bars

__all__ = ["prove_bars", "require_proof"]

OnStage = Callable[[str, float], None]


def prove_bars(workspace: Workspace, spec: LearnerSpec, bars: pl.DataFrame, on_stage: OnStage) -> Proof:
    """Prove the learner's features on these bars, in the workers that the caller has set up; a pass is remembered."""
    stage = "proving the features point-in-time"
    proof = prove(bars, spec.feature_set, on_progress=lambda fraction: on_stage(stage, fraction))
    if not proof.mismatches:
        ProofRecords(workspace.home).put(spec.feature_set, hash_bars(bars))
    return proof


def require_proof(
    workspace: Workspace,
    spec: LearnerSpec,
    bars: pl.DataFrame,
    on_stage: OnStage,
    proved_on: DatasetHash | None = None,
) -> DatasetHash:
    """A passing proof of the learner's features over bars that hold these, made now if there is none.

    proved_on: hash of bars that hold these, with a proof on record. Gives the hash of the bars whose proof it is: the
    proof cuts history at every bar, so it holds for whatever is cut out of them. FutureLeakError when a value changes
    with less history.
    """
    records = ProofRecords(workspace.home)
    if proved_on is not None and records.has(spec.feature_set, proved_on):
        return proved_on
    own = hash_bars(bars)
    for content in (own, workspace.silver.content_hash(spec.timeframe)):
        if records.has(spec.feature_set, content):
            return content
    prove_bars(workspace, spec, bars, on_stage).require_pass()
    return own
