"""Cases that pin down the offline gate: what fails, and why. Both the gate's own tests and its mutants run them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace

NAN, INF = math.nan, math.inf

Edit = tuple[float, int] | str | None
"""A figure as (value, sample), an error as its text, or None for an absent one."""

CHAMPION: Mapping[str, Edit] = {
    "hit_rate": (0.52, 400),
    "pnl_bps": (3.0, 400),
    "max_drawdown": (0.04, 91),
    "risk_violation_rate": (0.02, 400),
    "ece": (0.03, 400),
}
CHALLENGER: Mapping[str, Edit] = {
    "hit_rate": (0.55, 400),
    "pnl_bps": (5.0, 400),
    "max_drawdown": (0.03, 91),
    "risk_violation_rate": (0.01, 400),
    "ece": (0.02, 400),
    "net_return_gain_low": (0.5, 91),
    "deflated_sharpe": (0.8, 91),
}
NEEDED = {"hit_rate": 100, "pnl_bps": 100, "max_drawdown": 40, "risk_violation_rate": 100, "ece": 100,
          "net_return_gain_low": 40, "deflated_sharpe": 40}  # fmt: skip
FIVE = tuple(CHAMPION)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Figures that differ from the good ones, and the metrics that must fail for it, with words of the reasons."""

    name: str
    champion: Mapping[str, Edit] = field(default_factory=dict)
    challenger: Mapping[str, Edit] = field(default_factory=dict)
    fails: frozenset[str] = frozenset()
    because: str = ""
    is_first: bool = False


def _worse(metric: str, *, by: float) -> Edit:
    champion = CHAMPION[metric]
    assert isinstance(champion, tuple)
    sign = -1 if metric in ("hit_rate", "pnl_bps") else 1
    return champion[0] + sign * by, champion[1]


def _sampled(metric: str, figures: Mapping[str, Edit], n: int) -> Edit:
    edit = figures[metric]
    assert isinstance(edit, tuple)
    return edit[0], n


def _cases() -> list[Case]:
    cases = [
        Case(name="better in everything"),
        Case(name="equal in all five", challenger=dict(CHAMPION)),
        Case(name="MDD at its limit", challenger={"max_drawdown": (0.04 * 1.10, 91)}),
        Case(name="MDD at its limit, summed", challenger={"max_drawdown": (0.04 + 0.004, 91)}),
        Case(name="MDD over it", challenger={"max_drawdown": (0.0441, 91)}, fails=frozenset({"max_drawdown"})),
        Case(name="champion without MDD, at the allowance", champion={"max_drawdown": (0.0, 91)},
             challenger={"max_drawdown": (0.01, 91)}),
        Case(name="champion without MDD, over the allowance", champion={"max_drawdown": (0.0, 91)},
             challenger={"max_drawdown": (0.0101, 91)}, fails=frozenset({"max_drawdown"})),
        Case(name="both without MDD", champion={"max_drawdown": (0.0, 91)}, challenger={"max_drawdown": (0.0, 91)}),
        Case(name="MDD beyond any float", champion={"max_drawdown": (1.7e308, 91)},
             challenger={"max_drawdown": (1.0, 91)}, fails=frozenset({"max_drawdown"}), because="no limit"),
        Case(name="both lose, equally", champion={"pnl_bps": (-3.0, 400)}, challenger={"pnl_bps": (-3.0, 400)}),
        Case(name="gain of exactly zero", challenger={"net_return_gain_low": (0.0, 91)},
             fails=frozenset({"net_return_gain_low"})),
        Case(name="the smallest gain", challenger={"net_return_gain_low": (5e-324, 91)}),
        Case(name="negative gain", challenger={"net_return_gain_low": (-0.1, 91)},
             fails=frozenset({"net_return_gain_low"})),
        Case(name="Sharpe of the luckiest", challenger={"deflated_sharpe": (0.5, 91)},
             fails=frozenset({"deflated_sharpe"})),
        Case(name="Sharpe just above it", challenger={"deflated_sharpe": (0.500001, 91)}),
        Case(name="two fail, both are named",
             challenger={"hit_rate": _worse("hit_rate", by=0.01), "ece": _worse("ece", by=0.01)},
             fails=frozenset({"hit_rate", "ece"})),
        Case(name="all fail", fails=frozenset(CHALLENGER), challenger=dict.fromkeys(CHALLENGER)),
        Case(name="first", is_first=True),
        Case(name="first, poor", is_first=True,
             challenger={"hit_rate": (0.1, 400), "pnl_bps": (-50.0, 400), "net_return_gain_low": None,
                         "deflated_sharpe": (NAN, 91)}),
        Case(name="first, hardly sampled", is_first=True, challenger={one: (0.5, 1) for one in FIVE}),
        Case(name="first, unmeasured", is_first=True, challenger={"ece": None}, fails=frozenset({"ece"}),
             because="was not measured"),
        Case(name="first, NaN", is_first=True, challenger={"hit_rate": (NAN, 0)}, fails=frozenset({"hit_rate"})),
        Case(name="first, an error", is_first=True, challenger={"pnl_bps": "no trades"}, fails=frozenset({"pnl_bps"}),
             because="no trades"),
    ]  # fmt: skip
    for metric in FIVE:
        alone = frozenset({metric})
        slip = 0.005 if metric == "max_drawdown" else 1e-6  # the drawdown alone has a tolerance
        cases.append(Case(name=f"{metric} worse", challenger={metric: _worse(metric, by=slip)}, fails=alone))
        cases.append(Case(name=f"{metric} equal", challenger={metric: CHAMPION[metric]}))
        cases += _unusable(metric, "champion", CHAMPION)
    for metric in CHALLENGER:
        cases += _unusable(metric, "challenger", CHALLENGER)
    for metric in ("hit_rate", "risk_violation_rate", "ece", "deflated_sharpe"):
        cases += [
            Case(name=f"{metric} of {value}", challenger={metric: (value, 400)}, fails=frozenset({metric}),
                 because="cannot be one")
            for value in (-0.01, 1.01)
        ]  # fmt: skip
    for metric, edge in {"hit_rate": 1.0, "risk_violation_rate": 0.0, "ece": 0.0, "deflated_sharpe": 1.0}.items():
        cases.append(Case(name=f"{metric} of {edge}", challenger={metric: (edge, 400)}))
    cases.append(Case(name="negative MDD", challenger={"max_drawdown": (-0.01, 91)}, fails=frozenset({"max_drawdown"})))
    cases.append(Case(name="MDD above one", champion={"max_drawdown": (1.2, 91)}))
    return cases


def _unusable(metric: str, side: str, figures: Mapping[str, Edit]) -> list[Case]:
    """Every way in which one figure of one side cannot be judged, and the two samples around what is asked for."""
    alone, needed = frozenset({metric}), NEEDED[metric]
    bad: dict[str, tuple[Edit, str]] = {
        "absent": (None, "was not measured"),
        "an error": ("disk on fire", "disk on fire"),
        "NaN": ((NAN, 400), "could not be computed from its 400 samples"),
        "NaN of too few": ((NAN, needed - 1), f"could not be computed: it rests on {needed - 1} of at least {needed}"),
        "infinite": ((INF, 400), "is infinite"),
        "minus infinite": ((-INF, 400), "is infinite"),
        "under-sampled": (_sampled(metric, figures, needed - 1), f"rests on {needed - 1} of at least {needed}"),
        "unsampled": (_sampled(metric, figures, 0), "rests on 0"),
    }
    cases = [
        Case(name=f"{side}: {metric} {how}", fails=alone, because=f"{side}: .*{because}", **{side: {metric: edit}})
        for how, (edit, because) in bad.items()
    ]
    enough = _sampled(metric, figures, needed)
    return [*cases, Case(name=f"{side}: {metric} just sampled", **{side: {metric: enough}})]


CASES = _cases()


def failing(case: Case, gates: SimpleNamespace) -> tuple[frozenset[str], str]:
    """The metrics that fail, and the reasons, as the gate in `gates` (the package, or a mutant of it) finds them."""
    gate = gates.policy_gate("net_return", gates.Unit.BPS, gates.GateSettings())
    challenger = _figures({**CHALLENGER, **case.challenger}, gates)
    if case.is_first:
        verdict = gate.judge_first(challenger)
    else:
        verdict = gate.judge(_figures({**CHAMPION, **case.champion}, gates), challenger)
    failed = frozenset(row.metric for row in verdict.rows if row.outcome.value == "fail")
    assert verdict.passed is (not failed), "the verdict and its rows disagree"
    assert {row.metric for row in verdict.rows} == set(CHALLENGER), "a row was dropped"
    assert verdict.is_first is case.is_first
    return failed, "; ".join(verdict.reasons)


def _figures(edits: Mapping[str, Edit], gates: SimpleNamespace) -> dict[str, object]:
    def measured(edit: tuple[float, int] | str) -> object:
        return gates.Unmeasured(edit) if isinstance(edit, str) else gates.Figure(*edit)

    return {metric: measured(edit) for metric, edit in edits.items() if edit is not None}


def absolute_tolerance(gates: SimpleNamespace) -> None:
    """An absolute tolerance is in the unit of the metric."""
    row = gates.Condition(metric="m", direction=gates.Direction.LOWER, tolerance=gates.Absolute(0.5), min_sample=1)
    gate, champion = gates.Gate("one", (row,)), {"m": gates.Figure(2.0, 1)}
    assert gate.judge(champion, {"m": gates.Figure(2.5, 1)}).passed
    assert not gate.judge(champion, {"m": gates.Figure(2.5000001, 1)}).passed


def relative_tolerance(gates: SimpleNamespace) -> None:
    """A relative tolerance loosens either direction, whatever the sign of the champion's figure."""
    higher, lower = (
        gates.Condition(metric="m", direction=direction, tolerance=gates.Relative(0.1), min_sample=1)
        for direction in (gates.Direction.HIGHER, gates.Direction.LOWER)
    )
    assert [higher.limit(10.0), higher.limit(-10.0)] == [9.0, -11.0]
    assert [lower.limit(10.0), lower.limit(-10.0)] == [11.0, -9.0]


def lower_bound(gates: SimpleNamespace) -> None:
    """The lower bound of the paired gain is judged; bounds that do not hold their mean are none."""

    def judged(mean: float, low: float, high: float) -> bool:
        found = gates.PairedDifference(mean=mean, low=low, high=high, n_days=90)
        gate = gates.Gate("gain", (gates.Floor(metric="m_gain_low", above=0.0, min_sample=90),))
        return bool(gate.judge({}, gates.paired_figures("m", found)).passed)

    assert judged(2.0, 1.0, 3.0) and judged(1.0, 1.0, 1.0)
    assert not judged(2.0, -1.0, 3.0) and not judged(2.0, 0.0, 3.0)
    assert not judged(1.0, 2.0, 3.0) and not judged(4.0, 2.0, 3.0)
    assert not judged(NAN, NAN, NAN) and not judged(2.0, 1.0, NAN)


def known_trials(gates: SimpleNamespace) -> None:
    """A Deflated Sharpe names its trials, and is none without them."""
    gate = gates.Gate("sharpe", (gates.Floor(metric="deflated_sharpe", above=0.5, min_sample=90),))

    def verdict(n_trials: int) -> tuple[bool, str]:
        found = gate.judge({}, gates.deflated_figures(0.9, n_days=90, n_trials=n_trials))
        return found.passed, found.rows[0].reason

    assert verdict(1)[0] and "(1 trial)" in verdict(1)[1]
    assert verdict(7)[0] and "(7 trials)" in verdict(7)[1]
    assert not verdict(0)[0] and "0 trials" in verdict(0)[1]


def no_rows(gates: SimpleNamespace) -> None:
    """A verdict without rows does not pass."""
    assert not gates.Verdict(gate="empty", rows=(), is_first=False).passed
    assert not gates.Verdict(gate="empty", rows=(), is_first=True).passed


CHECKS: tuple[Callable[[SimpleNamespace], None], ...] = (
    absolute_tolerance, relative_tolerance, lower_bound, known_trials, no_rows
)  # fmt: skip
