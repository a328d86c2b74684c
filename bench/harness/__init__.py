"""The benchmark: servers, load, figures."""
