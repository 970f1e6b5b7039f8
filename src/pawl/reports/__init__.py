"""Shell: what a person reads, in a browser or a terminal."""
