"""Core: named features, the sets built from them, and the point-in-time proof."""
