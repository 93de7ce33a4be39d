"""Carrying out decisions: actions over the store, and messages into inboxes."""
