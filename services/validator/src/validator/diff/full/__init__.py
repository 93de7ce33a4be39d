"""The full difference analysis: pyHanko's, with rules for what real tools write.

pyHanko lists every object that an update touches and asks each rule which of them it allows; what no rule allows is
suspicious. Each rule of ours names exactly what it allows, and the attack that it could let in is tested beside it
(``tests/validator/test_difference_rules.py``, ``test_tool_rules.py``):

(a) validation data rewritten by another tool (``validation_data_rule``);
(b) form entries of a signing service (``form_rule``);
(c) a free entry for a number that was never in use (``diff_policy``);
(d) elements of the structure tree for new signature fields (``structure_tree_rule``);
(e) behind the last signature, the date and the tool of the last change (``information_rule``, ``xmp_rule``);
(f) to (i), (k) rewrites that change no meaning (``equivalent_rewrites``);
(j) behind the last signature, objects that nothing refers to (``orphan_rule``).
"""
