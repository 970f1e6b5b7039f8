"""The live loop: one loop for every learner, driven by a clock that is handed in.

Every cycle takes the instant it was due at, dates all that it writes with it, and may be run again for the same
instant: nothing is lost, nothing stands twice.
"""
