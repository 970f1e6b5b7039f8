"""Core: bar schemas, calendars, quality checks, and the simulated market."""
