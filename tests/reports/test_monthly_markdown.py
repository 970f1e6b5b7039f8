"""The monthly report as Markdown (REV-R37)."""

from opened_report import EVIL
from pawl.reports.monthly_markdown import month_markdown
from pawl.reports.monthly_parts import parts
from synthetic_month import synthetic_month

TEXT = month_markdown(synthetic_month(), {"ranking": "2026-01-ranking.png", "signals": "2026-01-signals.png"})


def test_rev_r37_the_text_holds_every_part_and_its_pictures() -> None:
    lines = TEXT.splitlines()
    assert lines[0] == "# reversal in 2026-01"
    assert [line[3:] for line in lines if line.startswith("## ")] == [one.title for one in parts(synthetic_month())]
    assert "![Ranking](2026-01-ranking.png)" in lines and "![Signals](2026-01-signals.png)" in lines
    assert "| reversal-3.4 | 1 | 0.950 | 58.0 % | 1.40 | 2.5 bps | 2.0 % | 119 | – |" in lines


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    widths: list[int] = []
    for line in TEXT.splitlines():
        cells = line.replace("\\|", "").count("|") - 1
        if line.startswith("|"):
            widths.append(cells)
            assert cells == widths[0]
        else:
            widths = []


def test_text_from_data_opens_neither_a_tag_nor_a_link() -> None:
    assert EVIL not in TEXT and "<script" not in TEXT.replace("\\<script", "") and "\\<img" in TEXT


def test_rev_r37_the_same_data_gives_the_same_text() -> None:
    assert month_markdown(synthetic_month(), {}) == month_markdown(synthetic_month(), {})
