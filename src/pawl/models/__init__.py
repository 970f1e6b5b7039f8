"""Core: estimators and how they turn into bytes without pickle."""
