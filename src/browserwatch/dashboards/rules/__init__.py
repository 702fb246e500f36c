"""What Prometheus evaluates: objectives, recording rules and alerts."""
