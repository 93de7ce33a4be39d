"""Backups and what is made of them, on servers of their own: these tests drop databases."""
