"""Pawl keeps trading models learning from what really happened, and ships a version only when it is measured better."""

__all__ = ["__version__"]

__version__ = "0.1.0"
