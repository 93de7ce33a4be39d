"""Makes databases and object store again from a backup, and compares them (``docs/operations/backup.md``)."""
