"""AsyncAPI 3 documents of the services, made from the tables that the services themselves use.

The framework can write such documents, too, but sees only queues that are consumed: no publishes, no headers, every
fact for every service. ``tests/docs`` compares what it does see with what is written here. ``python -m apidocs``.
"""
