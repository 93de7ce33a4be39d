"""What later revisions changed."""
