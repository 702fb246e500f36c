"""See everything a browser-use agent does: traces, Prometheus metrics, dashboards, alerts and health.

import browserwatch

browserwatch.instrument()               # before or after `import browser_use`
browserwatch.start_metrics_server()     # http://127.0.0.1:9464/metrics
browserwatch.configure_tracing()        # only without an OpenTelemetry set-up of your own
"""

from browserwatch.instrumentation import instrument, uninstrument
from browserwatch.logs import configure_logging
from browserwatch.metrics import metrics_app, register_collectors, start_metrics_server
from browserwatch.tracing import Tracing, configure_tracing, otel_batch_span_processor
from browserwatch.version import __version__

__all__ = [
    "Tracing",
    "__version__",
    "configure_logging",
    "configure_tracing",
    "instrument",
    "metrics_app",
    "otel_batch_span_processor",
    "register_collectors",
    "start_metrics_server",
    "uninstrument",
]
