"""Core: scores, sizing, and the trade state machine."""
