"""Equity and drawdown on unseen rows: the model beside its baselines and buy-and-hold."""

from pawl.reports.equity_chart import equity_section
from pawl.reports.report_data import ReportData
from pawl.reports.section import Section

__all__ = ["equity"]


def equity(data: ReportData) -> Section:
    """Capital over time, with the fall from its peak below."""
    return equity_section(data.curves)
