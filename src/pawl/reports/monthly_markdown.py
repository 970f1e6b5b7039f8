"""The monthly report as Markdown, its charts as files beside it."""

from collections.abc import Mapping

from pawl.reports.monthly_data import MonthlyReport
from pawl.reports.monthly_parts import MonthTable, parts
from pawl.reports.wording import day, moment

__all__ = ["month_markdown"]


def month_markdown(data: MonthlyReport, charts: Mapping[str, str]) -> str:
    """The report as text. charts: id of a part → file name of the picture under it."""
    lines = [f"# {data.learner} in {data.month}", "", f"{day(data.start)} to {day(data.end)}, times in UTC.", ""]
    for part in parts(data):
        lines += [f"## {part.title}", "", _safe(part.lead), ""]
        if part.id in charts:
            lines += [f"![{part.title}]({charts[part.id]})", ""]
        for table in part.tables:
            lines += [*_table(table), ""]
    lines += ["---", "", f"Made by Pawl on {moment(data.made_at)} UTC. Figures of the past promise nothing.", ""]
    return "\n".join(lines)


def _table(one: MonthTable) -> list[str]:
    return [
        f"**{_safe(one.caption)}**",
        "",
        _row([*one.columns]),
        _row(["---:" if is_number else "---" for is_number in one.columns.values()]),
        *(_row([_safe(cell) for cell in row]) for row in one.rows),
    ]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _safe(text: str) -> str:
    """Text from data that can neither open a tag, nor a link, nor leave its cell."""
    plain = " ".join(text.split())
    return "".join(f"\\{one}" if one in "\\|`*_[]<>" else one for one in plain)
