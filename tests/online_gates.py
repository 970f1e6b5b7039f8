"""The modules of the online gate, in the order of their imports, and all their names in one place."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pawl.gates

PACKAGE = "pawl.gates"
MODULES = (
    "figure", "condition", "wording", "verdict", "gate", "policy_gate", "sequence_config", "student_bound",
    "paired_sequence", "day_blocks", "betting", "routing", "ab_test", "guard_rails", "rollout_plan", "rollout_state",
    "rollout", "stage_gate",
)  # fmt: skip
SOURCES = {name: (Path(pawl.gates.__path__[0]) / f"{name}.py").read_text(encoding="utf-8") for name in MODULES}


def real() -> SimpleNamespace:
    """The package as it is."""
    names: dict[str, object] = {}
    for name in MODULES:
        names.update(vars(importlib.import_module(f"{PACKAGE}.{name}")))
    return SimpleNamespace(**names)
