"""The canary: two test units, a signed urgent letter from one to the other every five minutes, and what became of it.

It knows of the trunk what a unit's system may know (docs/upstream.md), and shares no code with it: a fault that the
trunk's own reader and writer have in common would not show otherwise. Why it is so: docs/decisions/0031-canary.md.
"""
