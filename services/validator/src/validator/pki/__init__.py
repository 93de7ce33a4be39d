"""Certificates, trust and revocation."""
