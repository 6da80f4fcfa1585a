"""File events of the system, for whoever follows folders."""
