"""Core: what a learner is asked to foresee, each label with its interval [t0, t1]."""
