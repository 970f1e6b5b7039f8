"""Shell: the silver store, its sources, backfill and quarantine."""
