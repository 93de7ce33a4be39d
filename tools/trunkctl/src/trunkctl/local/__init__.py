"""The whole trunk on this machine: servers by ``devstack``, a demo city by ``mint``, five services, a mail sink."""
