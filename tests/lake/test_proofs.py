"""Records of passed proofs: for one definition, on one content."""

from dataclasses import replace
from pathlib import Path

from pawl.features.sets import FEATURE_SETS
from pawl.ids import DatasetHash
from pawl.lake.proofs import ProofRecords

BARS, OTHER_BARS = DatasetHash("a" * 64), DatasetHash("b" * 64)


def test_a_record_stands_for_one_set_on_one_content(tmp_path: Path) -> None:
    records, v1 = ProofRecords(tmp_path), FEATURE_SETS["v1"]
    path = records.put(v1, BARS)

    assert path.parent == tmp_path / "proofs" and path.name.startswith("v1-")
    assert records.has(v1, BARS)
    assert not records.has(v1, OTHER_BARS)
    assert not records.has(FEATURE_SETS["v2"], BARS)


def test_a_changed_definition_asks_for_a_new_proof(tmp_path: Path) -> None:
    records, v1 = ProofRecords(tmp_path), FEATURE_SETS["v1"]
    records.put(v1, BARS)
    changed = replace(v1, features=(replace(v1.features[0], lookback=3), *v1.features[1:]))

    assert not records.has(changed, BARS)


def test_a_spoilt_record_is_no_record(tmp_path: Path) -> None:
    records, v1 = ProofRecords(tmp_path), FEATURE_SETS["v1"]
    for content in (b"", b"[1]", b'{"feature_set": "v1"}'):
        records.put(v1, BARS).write_bytes(content)
        assert not records.has(v1, BARS)
