"""The whole trunk in one process on virtual time: see ``docs/development/simulation.md``."""
