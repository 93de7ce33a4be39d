"""The operator's and the unit's command line of the trunk."""
