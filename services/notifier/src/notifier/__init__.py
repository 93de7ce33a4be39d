"""Notifier: tells people and systems what became of a document."""
