"""The ids that lead every decision back to its cause: text to the machine, kinds of their own to the type checker.

>>> Ticker("BTCUSDT") == "BTCUSDT"
True
"""

from typing import NewType

__all__ = ["DatasetHash", "ModelVersion", "Ticker"]

Ticker = NewType("Ticker", str)
ModelVersion = NewType("ModelVersion", str)
DatasetHash = NewType("DatasetHash", str)
