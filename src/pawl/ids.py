"""The ids that lead every decision back to its cause."""

from typing import NewType

__all__ = ["DatasetHash", "ModelVersion", "Ticker"]

Ticker = NewType("Ticker", str)
ModelVersion = NewType("ModelVersion", str)
DatasetHash = NewType("DatasetHash", str)
