"""Core: triggers. When something must be done: on schedule, or because the market, or a model's results, changed."""
