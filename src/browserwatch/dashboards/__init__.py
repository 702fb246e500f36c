"""Dashboards, recording rules and alerts, written from the same definitions as the metrics.

Signals (an expression, its unit, what it says) become panels, panels rows, rows dashboards; a signal, a rule or an alert
that names a metric, a label or a value which does not exist is an error when the files are written, and not an empty panel.
"""
