"""Reading a PDF."""
