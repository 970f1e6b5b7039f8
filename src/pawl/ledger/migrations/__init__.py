"""The ledger's schema, step by step; Alembic walks the revisions in `versions`."""
