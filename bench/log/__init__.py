"""The ledger's log at many entries, without database and store."""
