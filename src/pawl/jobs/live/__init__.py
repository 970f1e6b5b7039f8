"""The cycles of the live loop, and what each of them does."""
