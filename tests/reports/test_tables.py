"""What the terminal prints, to the letter, in 80 columns."""

from dataclasses import replace

from rich.console import Console, RenderableType

from pawl.reports.report_data import ReportData
from pawl.reports.tables import quality_summary, summary


def printed(part: RenderableType) -> str:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(part)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def test_the_summary_answers_first_and_then_shows_its_figures(report_data: ReportData) -> None:
    assert (
        printed(summary(report_data))
        == """\
m002-1.0 beats linear but not lightgbm without regime on unseen rows: Sharpe
0.81 against 0.20 (linear) and 0.63 (lightgbm without regime); judged by the 95
% interval of each difference.

m002-1.0 beside linear
                      model  baseline  difference  95 % interval  verdict
─────────────────────────────────────────────────────────────────────────
Sharpe                 0.81      0.20       +0.61    0.05 … 1.20  better
Net return           18.4 %     4.1 %     +14.3 %     1.0 … 28.0  better
Max drawdown         12.7 %    16.6 %      −3.9 %    −10.0 … 2.0  unclear
Net per trade      11.4 bps   2.7 bps    +8.7 bps    −6.1 … 23.0  unclear
Average precision     0.412     0.390      +0.022  0.009 … 0.034  better
Brier                 0.214     0.209      +0.005  0.001 … 0.008  worse
ECE                   0.031         –           –              –  unknown

m002-1.0 beside lightgbm without regime
                      model  baseline  difference   95 % interval  verdict
──────────────────────────────────────────────────────────────────────────
Sharpe                 0.81      0.63       +0.18    −0.40 … 0.70  unclear
Net return           18.4 %    12.0 %      +6.4 %    −10.0 … 20.0  unclear
Max drawdown         12.7 %    14.1 %      −1.4 %      −8.0 … 5.0  unclear
Net per trade      11.4 bps   7.2 bps    +4.2 bps     −9.4 … 18.0  unclear
Average precision     0.412     0.411      +0.001  −0.004 … 0.006  unclear
Brier                 0.214     0.215      −0.001  −0.003 … 0.001  unclear
ECE                   0.031     0.030      +0.001  −0.007 … 0.009  unclear"""
    )


def test_the_data_check_names_what_failed_under_the_table(report_data: ReportData) -> None:
    assert (
        printed(quality_summary(report_data.quality))
        == """\
Data check, times in UTC
ticker    first       last         rows  gaps  warnings  quarantined  verdict
─────────────────────────────────────────────────────────────────────────────
ADAUSDT   2019-09-08  2025-08-31  2,185     0         0            0  pass
BNBUSDT   2019-09-08  2025-08-31  2,185     0         0            0  pass
BTCUSDT   2019-09-08  2025-08-31  2,185     0         0            0  pass
DOGEUSDT  2019-09-08  2025-08-31  2,185     0         0            0  pass
ETHUSDT   2019-09-08  2025-08-31  2,183     2         1            0  warn
SOLUSDT   2019-09-08  2025-08-31  2,094    91         2            4  fail
ETHUSDT warn: 2 short outages
SOLUSDT fail: 91 bars missing inside its listing; 4 rows with high < low"""
    )


def test_markup_in_a_name_is_printed_as_it_is(report_data: ReportData) -> None:
    row = replace(report_data.quality[0], ticker="[red]A[/]", reasons=("[bold]b",))
    assert "[red]A[/]" in printed(quality_summary([row]))
    assert "[red]A[/] pass: [bold]b" in printed(quality_summary([row]))
    assert "[red]v1 does not" in printed(summary(replace(report_data, version="[red]v1", primary_metric="Brier")))
