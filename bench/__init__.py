"""Measurements of the running trunk; figures and their reading are in docs/performance.md."""
