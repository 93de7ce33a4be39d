"""The steps of ``docs/validity.md``: each raises ``Fault`` with the number of the rule that does not hold."""
