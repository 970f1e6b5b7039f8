"""The texts of `pawl features`."""

from rich.console import Console

from pawl.cli.feature_tables import declarations_markdown, proof_payload, proof_text
from pawl.features.findings import FeatureProof, Offence, Proof, ProofTest
from pawl.features.sets import FEATURE_SETS


def printed(proof: Proof) -> str:
    console = Console(width=120, no_color=True)
    with console.capture() as capture:
        console.print(proof_text(proof, seconds=12.34))
    return capture.get()


def test_a_passed_proof_is_one_line_and_the_next_command() -> None:
    clean = FeatureProof(feature="ret_1", mismatches=0, near_limit=0, first=None)
    proof = Proof(feature_set="v1", features=(clean,), cells=1234)

    assert printed(proof) == (
        "proved: v1, 1 features, 1,234 values, 0 changed, 0 beside a limit; 12.3 s.\nNext: pawl train LEARNER\n"
    )
    assert proof_payload(proof, 12.34) == {
        "feature_set": "v1", "features": 1, "cells": 1234, "mismatches": 0, "near_limit": 0, "seconds": 12.34,
    }  # fmt: skip


def test_a_failed_proof_says_where_each_feature_first_changed() -> None:
    first = Offence(test=ProofTest.CUT, ticker="ETHUSDT", ts="2024-02-01", was=0.5, became=None)
    bad = FeatureProof(feature="ret_1", mismatches=1200, near_limit=0, first=first)
    text = printed(Proof(feature_set="v1", features=(bad,), cells=1234))

    assert text.startswith("NOT proved: v1")
    assert "ret_1      1,200               0  ETHUSDT 2024-02-01: 0.5 became None (cut test)" in text


def test_the_page_names_every_feature_and_every_step() -> None:
    page = declarations_markdown(FEATURE_SETS["v3"])

    for each in (*FEATURE_SETS["v3"].features, *FEATURE_SETS["v3"].steps):
        assert f"| `{each.name}` | {each.meaning} |" in page
