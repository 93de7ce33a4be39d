"""Reading a PDF: pyHanko's strict reader made fast, the layout and history of a file, and the schema of its objects."""
