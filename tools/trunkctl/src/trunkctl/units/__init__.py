"""The units of the trunk: the directory and its history, and each unit's access to the broker."""
