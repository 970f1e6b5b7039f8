"""How the lines of one chart are told apart: by colour, and by dash and width for who cannot see colours."""

from collections.abc import Sequence

from pawl.reports.report_data import CurveRole
from pawl.reports.section import Json

__all__ = ["line_styles", "policy_role"]

_BASELINE_COLOURS = ("var(--baseline-1)", "var(--baseline-2)", "var(--baseline-3)")
_BASELINE_DASHES = ("dash", "dot", "dashdot")


def line_styles(roles: Sequence[CurveRole]) -> list[Json]:
    """A line for each curve, in their order.

    >>> line_styles([CurveRole.BASELINE, CurveRole.MODEL])[0]
    {'color': 'var(--baseline-1)', 'width': 1.6, 'dash': 'dash'}
    """
    lines: list[Json] = []
    n_baselines = 0
    for role in roles:
        if role is CurveRole.MODEL:
            lines.append({"color": "var(--model)", "width": 2.4, "dash": "solid"})
        elif role is CurveRole.BENCHMARK:
            lines.append({"color": "var(--benchmark)", "width": 1.4, "dash": "solid"})
        else:
            style = n_baselines % len(_BASELINE_COLOURS)
            lines.append({"color": _BASELINE_COLOURS[style], "width": 1.6, "dash": _BASELINE_DASHES[style]})
            n_baselines += 1
    return lines


def policy_role(name: str) -> CurveRole:
    """What the curve of a replay's policy stands for: the gated one is looked at, the others stand beside it."""
    return CurveRole.MODEL if name == "gated" else CurveRole.BASELINE
