"""The sections of a replay's page, one file each, each a function from the replay's data to a Section."""
