"""The buckets of the object store.

A module of its own: the tables of rights need these names, and no client of the store.
"""

UPLOADS = "uploads"
"""Bucket of large packages that units put before they submit a reference; keys begin with ``<unit>/``."""
CONTENT = "content"
"""Bucket of objects under their SHA-256: packages, envelopes, attachments, reports."""
PACKAGES = "packages"
"""Bucket of packages, each under its digest and its id; made with object lock, and locked by the archive
(decision 29)."""
ARCHIVE = "archive"
"""The archive's bucket, under object lock with compliance retention."""
DIRECTORY = "directory"
"""Bucket of the versions of the unit directory; ``current`` is the one in force."""
PARKED = "parked"
"""Bucket of large bodies of parked messages, under ``<service>/<record id>``. It keeps no versions."""
LOG = "log"
"""Bucket of the ledger's log, under object lock: tiles, entries and checkpoints. All of it may be public."""
BUCKETS = (UPLOADS, CONTENT, PACKAGES, ARCHIVE, DIRECTORY, PARKED, LOG)
LOCKED = (PACKAGES, ARCHIVE, LOG)
"""Buckets that are made with object lock."""
