"""Shell: the command."""
