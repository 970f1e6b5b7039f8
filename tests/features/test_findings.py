"""What a proof says."""

import pytest

from pawl.errors import FutureLeakError
from pawl.features.findings import FeatureProof, Offence, Proof, ProofTest


def found(feature: str, mismatches: int, near_limit: int = 0) -> FeatureProof:
    first = Offence(test=ProofTest.CUT, ticker="BTCUSDT", ts="2024-01-01", was=1.5, became=None)
    return FeatureProof(
        feature=feature, mismatches=mismatches, near_limit=near_limit, first=first if mismatches else None
    )


def test_a_clean_proof_passes() -> None:
    Proof(feature_set="v1", features=(found("a", 0, near_limit=4), found("b", 0)), cells=20).require_pass()


def test_a_failed_proof_names_the_worst_feature_and_its_first_offence() -> None:
    proof = Proof(feature_set="v1", features=(found("a", 2, 1), found("b", 5, 3), found("c", 0)), cells=20)

    assert (proof.mismatches, proof.near_limit) == (7, 4)
    with pytest.raises(FutureLeakError) as caught:
        proof.require_pass()
    assert caught.value.what == (
        "`b` changed on 5 bars; first BTCUSDT at 2024-01-01: 1.5 became None when history was cut there; "
        "1 more features differ"
    )
    assert caught.value.where == "feature set v1"
    assert caught.value.exit_code == 1
