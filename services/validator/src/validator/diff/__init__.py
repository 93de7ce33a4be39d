"""What later revisions changed, and whether that is allowed (rules 4.1 to 4.4).

Two rule sets judge the same changes: ``fast_path``, which knows plain files and answers "harmless" or nothing, and
``full``, pyHanko's difference analysis with rules of our own, which decides the rest.
"""
