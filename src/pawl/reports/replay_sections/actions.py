"""What each policy did: shares of long, short and flat by month."""

from pawl.reports.action_chart import SHARE_COLUMNS, action_chart, action_choice, share_cells, share_words
from pawl.reports.replay_data import ReplayReport
from pawl.reports.section import Column, Section, missing, picker, table, with_table

__all__ = ["actions"]

_TITLE = "Actions over time"


def actions(data: ReplayReport) -> Section:
    """A bar a month, stacked to the whole, of the policy that a drop-down chooses."""
    acted = [policy for policy in data.policies if policy.actions.height]
    if not acted:
        return missing("actions", _TITLE, "No decision was handed in.")
    choices = [action_choice(policy.name, policy.actions) for policy in acted]
    lead = "; ".join(f"{policy.name}: {share_words(policy.actions)}" for policy in acted) + "."
    chart = action_chart(lead, choices[0], choices)
    rows = [[policy.name, *cells] for policy in acted for cells in share_cells(policy.actions)]
    columns = [Column("Policy"), Column("Month"), *SHARE_COLUMNS]
    numbers = table(columns, rows, caption="Share of each action by policy and month")
    body = picker(chart, "Policy", choices[0]) + with_table(chart, numbers)
    return Section(id="actions", title=_TITLE, lead=lead, body=body, charts=(chart,))
