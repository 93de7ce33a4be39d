"""The field's words as values: no I/O, standard library only."""
