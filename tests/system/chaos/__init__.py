"""The running trunk under load while its processes and servers are killed, frozen, cut off and robbed of messages."""
