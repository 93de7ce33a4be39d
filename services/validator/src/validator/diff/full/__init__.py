"""The full difference analysis."""
