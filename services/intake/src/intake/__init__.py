"""Intake: decides whether a package may enter the trunk."""
