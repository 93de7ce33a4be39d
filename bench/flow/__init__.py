"""Measurements of who waits for whom: full inboxes, a unit that floods the trunk, urgent letters under a backlog."""
