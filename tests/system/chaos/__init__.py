"""The running trunk under load while its processes and servers are killed, frozen, disconnected and lose messages."""
