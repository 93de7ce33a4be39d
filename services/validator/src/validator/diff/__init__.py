"""What later revisions changed, and whether that is allowed (rules 4.1 to 4.3).

One engine on plain values (``validator.pdf.history``). ``analysis`` lists which rules apply where; each rule explains
some of the objects that an update writes (``change``), and what no rule explains is not allowed. Each rule says in its
module what it allows, and the attack that it could let in is tested beside it (``tests/validator``).
"""
