"""What a replay by the calendar came to."""

import json

from small_cadence import whole


def test_three_policies_decide_on_the_same_bars_and_the_baselines_stand_beside() -> None:
    policies = whole()["policies"]
    assert set(policies) == {"gated", "always", "frozen"}
    assert len({one["decisions"] for one in policies.values()}) == 1
    assert policies["frozen"]["versions"] == 1 < policies["gated"]["versions"] <= policies["always"]["versions"]
    assert set(whole()["baselines"]) == {"reversal", "linear", "lightgbm"}
    assert all(0 <= one["hold_share"] <= 1 for one in policies.values())
    json.dumps(whole(), allow_nan=False)
