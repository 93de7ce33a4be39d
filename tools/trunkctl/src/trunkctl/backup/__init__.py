"""Copies of databases and object store, from which a trunk can be made again (``docs/operations/backup.md``)."""
