"""The commands: they read arguments and print results; other modules do the work."""
