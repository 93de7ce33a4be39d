"""``trunkctl install check``: whether a cluster is ready for manifests that are about to be applied."""
