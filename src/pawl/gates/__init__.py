"""Core: gates. Whether a measured challenger may replace the champion, decided by rows of data, fail-closed."""
