"""The report on one document: its vocabulary, its shape, the decision that carries it, and its page for people."""
