"""The sections of report.html, one file each, each a function from the report's data to a Section."""
