"""Router: decides which units receive a document, and keeps its statuses."""
