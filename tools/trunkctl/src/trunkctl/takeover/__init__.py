"""Takes over a trunk whose broker still holds the queues of the former topology: retry ladder, shared parking lot.

Until when: take this package out, with ``trunkctl topology take-over`` and ``tests/upgrade``, in the second release
after the one with delayed retry, when ``trunkctl topology check`` names no object of the former release anywhere.

``former`` says what the former release had. ``remains`` says what is left of it, and describes it beside the topology
in force. ``origin`` decides for one message where it goes and in whose name. ``move`` moves messages, ``one_run`` lets
one run at a time do so. ``job`` knows the order of the steps, ``session`` the servers.
"""
