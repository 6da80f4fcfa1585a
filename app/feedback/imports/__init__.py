"""Files of rows: one reader for each format, and maps from the columns of other tools."""
