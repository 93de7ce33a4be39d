"""The report on one document."""
