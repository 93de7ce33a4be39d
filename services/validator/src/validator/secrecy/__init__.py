"""Looks for marks of secrecy inside files (R9, R19): PDF, office files, text, archives nested once. docs/secrecy.md."""

from validator.secrecy.files import find_mark, search

__all__ = ["find_mark", "search"]
