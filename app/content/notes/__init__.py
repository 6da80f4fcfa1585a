"""Notes: tagged, linked, searched, and kept in step with a folder of Markdown."""
