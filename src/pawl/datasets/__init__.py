"""Datasets made of trajectories: supervised samples, preference pairs, and what is kept out of them."""
