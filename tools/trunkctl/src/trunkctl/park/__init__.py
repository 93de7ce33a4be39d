"""Parked messages: what the services hold until an operator decides, and the operator's decisions."""
