"""A Kubernetes of its own for a test: its control plane on loopback, pretended nodes or a real one, and KEDA.

``programs`` builds what runs, ``control_plane`` starts it, ``pretended`` gives it nodes that are only spoken of,
``node`` one that runs containers, ``apart`` puts all of it out of the machine's sight.
"""
