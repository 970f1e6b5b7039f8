"""Core: metrics, splits, and the backtest kernel."""
