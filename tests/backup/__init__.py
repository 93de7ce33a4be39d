"""Backups and restores, on servers of their own, because these tests drop databases."""
