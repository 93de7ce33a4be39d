"""Processes that examine documents, and the material they examine them by."""
