"""Shell: the ledger. SQL tables of versions, trainings, verdicts, deployments, decisions, and what happens to them."""
