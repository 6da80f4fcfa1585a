"""Alembic's folder. A revision is `versions/NNNN_what.py`, its id the four digits, so that newer and older compare.

To change the tables: change the area's `tables.py`, copy the last revision under the next number, name it as
`down_revision`, and write the steps. The tests compare what the revisions make with the metadata, to the letter and on
every database, so a step that is missing or differs fails there.

New tables and indices go through `app.db.migrations.steps`: servers commit each statement of DDL by itself, so a
revision that was interrupted is run again from its start and must find what it has already made.
"""
