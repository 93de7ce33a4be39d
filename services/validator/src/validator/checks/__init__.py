"""The numbered checks of ``docs/validity.md``: one question each, raised as ``Fault`` where it does not hold."""
