"""Draws the pages as pictures, from their JSON and a running Prometheus, to be looked at where there is no Grafana.

``python -m dashboards.drawing http://127.0.0.1:9090 FOLDER``. It follows Grafana 11 where that decides what a reader
sees (layout on 24 columns, names, units, colours, words for no data, the width at which text is cut), and has no
interaction. What a page uses and the drawing does not know is named by ``known.unknown``.
"""
