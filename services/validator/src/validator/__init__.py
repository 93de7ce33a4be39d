"""Validator: decides whether a document is valid as the law asks."""
