"""``trunkctl doctor``: queries all parts of a running trunk, and judges the answers."""
