"""The ledger's log for operators and auditors: read, verified and proved without the services."""
