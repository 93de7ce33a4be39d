"""Marks of state secrets (R9, R19): pure, over text; where text comes from is the caller's affair. docs/secrecy.md."""

from common.secrecy.marks import MAX_CHARS, Level, Mark, mark_in_field, mark_in_file_name, mark_in_text
from common.secrecy.package import mark_in_message, mark_in_unreadable

__all__ = [
    "MAX_CHARS",
    "Level",
    "Mark",
    "mark_in_field",
    "mark_in_file_name",
    "mark_in_message",
    "mark_in_text",
    "mark_in_unreadable",
]
