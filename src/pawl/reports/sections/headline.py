"""The answer, the key figures, and what the version was trained on."""

from html import escape

from pawl.reports.answer import answer
from pawl.reports.report_data import CertificateFacts, Headline, Interval, ReportData, Unit
from pawl.reports.section import Section
from pawl.reports.wording import day, figure, interval, moment, plural

__all__ = ["headline"]


def headline(data: ReportData) -> Section:
    """The first thing read: the answer in one sentence, then the figures behind it."""
    cards = _cards(data.headline) if data.headline else '<p class="absent">No key figures were handed in.</p>'
    notes = "".join(f"<li>{escape(note)}</li>" for note in data.notes)
    body = cards + (f'<ul class="notes">{notes}</ul>' if notes else "") + _certificate(data.certificate)
    return Section(id="answer", title="The answer", lead=answer(data), body=f"{_period(data)}{body}")


def _period(data: ReportData) -> str:
    start, end = f"<time>{day(data.start)}</time>", f"<time>{day(data.end)}</time>"
    return (
        f'<p class="period">Measured on <strong>unseen rows</strong>: {escape(data.timeframe)} bars of '
        f"{plural(data.n_tickers, 'ticker')} from {start} up to, not including, {end}; no training run of "
        f"{escape(data.version)} has read them. Figures are after fees, slippage and funding; "
        "ranges are 95 % intervals.</p>"
    )


def _cards(figures: Headline) -> str:
    cards = [
        _card("Net return", figures.net_return, Unit.PERCENT),
        _card("Sharpe, annualised", figures.sharpe, Unit.RATIO),
        _card("Max drawdown", figures.max_drawdown, Unit.PERCENT),
        _card("Hit rate", figures.hit_rate, Unit.PERCENT),
        _card("Turnover of capital a year", Interval(figures.turnover), Unit.TIMES),
        _card("Trades", Interval(figures.n_trades), Unit.COUNT),
        _card("Calibration error (ECE)", Interval(figures.ece), Unit.SCORE),
    ]
    if figures.net_bps_per_trade is not None:
        cards.insert(6, _card("Net per trade", figures.net_bps_per_trade, Unit.BPS))
    return f'<dl class="cards">{"".join(cards)}</dl>'


def _card(title: str, estimate: Interval, unit: Unit) -> str:
    bounds = interval(estimate, unit)
    range_ = f'<dd class="range">{bounds}</dd>' if bounds else ""
    return f'<div class="card"><dt>{title}</dt><dd class="value">{figure(estimate.value, unit)}</dd>{range_}</div>'


def _certificate(facts: CertificateFacts | None) -> str:
    if facts is None:
        return '<p class="absent">This report carries no certificate.</p>'
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(facts.libraries.items()))
    rows = [
        ("Dataset hash", facts.dataset_hash),
        ("Last bar read, max(ts)", f"{moment(facts.max_ts)} UTC"),
        ("Last label resolved, max(t1)", f"{moment(facts.max_t1)} UTC"),
        ("First date it may be scored on", day(facts.first_allowed)),
        ("Seed", str(facts.seed)),
        ("Code", facts.code),
        ("Libraries", libraries),
    ]
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    return (
        '<details class="certificate" data-print-open><summary>Certificate: what this version was trained on</summary>'
        f'<dl class="facts">{items}</dl></details>'
    )
