"""What can be asked: signals by topic, shared by the dashboards."""
