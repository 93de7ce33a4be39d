"""Test machinery of the deployment: a container engine, Prometheus tools, a Kubernetes. Never shipped.

Every program comes out of a package registry into the cache of ``devstack.cache``, under a key of what was
pinned. Nothing is installed on the machine, everything listens on loopback or on a unix socket.
"""
