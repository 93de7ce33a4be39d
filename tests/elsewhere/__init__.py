"""Signed documents that other projects test themselves with: what we say of them."""
