"""The commands: what is asked for is read here and shown here, what is done is done elsewhere."""
