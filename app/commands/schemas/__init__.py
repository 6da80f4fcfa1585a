"""JSON Schemas of what commands print, one module for each command group. Data only: importing them loads nothing."""
