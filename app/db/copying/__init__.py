"""Moving everything that is stored: between two databases, into a backup file, and out of one."""
