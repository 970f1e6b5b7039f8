"""Core: one file a learner, and the contract every learner keeps."""
