"""What the policy did: shares of long, short and flat by month and overall."""

from pawl.reports.action_chart import SHARE_COLUMNS, action_chart, action_choice, share_cells, share_words
from pawl.reports.report_data import ReportData
from pawl.reports.section import Column, Section, missing, table, with_table

__all__ = ["actions"]

_TITLE = "Actions"


def actions(data: ReportData) -> Section:
    """A bar a month, stacked to the whole."""
    if data.actions is None or not data.actions.frame.height:
        return missing("actions", _TITLE, "No decision was handed in.")
    counts = data.actions.frame
    words = share_words(counts)
    lead = f"{words[0].upper()}{words[1:]}."
    chart = action_chart(lead, action_choice("", counts))
    columns = [Column("Month"), *SHARE_COLUMNS]
    body = with_table(chart, table(columns, share_cells(counts), caption="Share of each action by month"))
    return Section(id="actions", title=_TITLE, lead=lead, body=body, charts=(chart,))
