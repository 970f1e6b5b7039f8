"""The workers there are, by role."""

from collections.abc import Callable

from pawl.errors import NotFoundError
from pawl.jobs.dataset_worker import dataset_role
from pawl.jobs.deployment_worker import deployment_role
from pawl.jobs.eval_worker import eval_role
from pawl.jobs.train_orchestrator import train_role
from pawl.jobs.trajectory_worker import trajectory_role
from pawl.jobs.worker_role import Role, World

__all__ = ["ALL", "ROLES", "roles_named"]

ALL = "all"

ROLES: dict[str, Callable[[World], Role]] = {
    "trajectory": trajectory_role,
    "dataset": dataset_role,
    "train": train_role,
    "eval": eval_role,
    "deploy": deployment_role,
}
"""By the name that the command takes, in the order in which one's work leads to the next one's."""


def roles_named(name: str, world: World) -> list[Role]:
    """The role of this name, or every one for `all`; NotFoundError lists those there are."""
    if name == ALL:
        return [make(world) for make in ROLES.values()]
    if name not in ROLES:
        raise NotFoundError(f"no role `{name}`", where="--role", fix=f"known roles: {', '.join(ROLES)}, {ALL}")
    return [ROLES[name](world)]
