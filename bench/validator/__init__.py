"""What one validation costs: CPU time per document and kind, beside its floor and beside the plain library."""
