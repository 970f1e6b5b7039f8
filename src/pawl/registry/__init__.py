"""Shell: content-addressed artifacts and model versions."""
