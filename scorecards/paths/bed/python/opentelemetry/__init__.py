"""Stands in for OpenTelemetry, which Debian does not package for Python: as much of its interface as the services of the
golden path use, without any export. `make test-paths` runs them with it."""
