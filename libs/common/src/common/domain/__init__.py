"""The terms of the domain as values. No I/O; standard library only."""
