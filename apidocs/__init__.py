"""AsyncAPI 3 documents and the table of facts, made from the tables that the services themselves use.

``common/topology.py`` names queues, exchanges and users; ``common/facts/flows.py`` says who makes and who takes each
fact; ``common/headers.py`` names the headers. ``python -m apidocs`` writes ``docs/asyncapi``.
"""
