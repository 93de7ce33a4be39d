"""Grafana's pages as code: ``trunk-dashboards write`` makes ``deploy/monitoring/dashboards/*.json``.

A page is a function of ``pages/``. Words, colours and sources are each kept in one place, and thresholds are read out
of the alert rules, so that a panel turns red exactly where its alert begins.
"""
