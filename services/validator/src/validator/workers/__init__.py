"""Processes that examine documents."""
