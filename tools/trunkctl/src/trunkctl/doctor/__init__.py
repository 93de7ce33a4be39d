"""``trunkctl doctor``: asks everything that can be asked of a running trunk, and judges the answers."""
