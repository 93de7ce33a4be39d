"""The vocabulary and the plumbing that all services of the trunk share."""
