"""The process around the service: the trio loop, threads, settings, logs, metrics."""
