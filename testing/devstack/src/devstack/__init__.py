"""Starts the servers of the trunk on loopback for demo and tests, and stops them. Never shipped."""
