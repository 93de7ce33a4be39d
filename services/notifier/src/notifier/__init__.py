"""Notifier: notifies people and systems of what happens to their documents."""
