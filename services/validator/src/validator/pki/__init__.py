"""Certificates: whom we trust, whether a chain leads there, and what its CAs say about revocation.

Knows nothing of PDF. What a document brings along comes in as ``pki.evidence.EmbeddedStatement``.
"""
