"""Live tests: watch projects, run the affected tests first, keep every result."""
