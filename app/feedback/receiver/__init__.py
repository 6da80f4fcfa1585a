"""The HTTP receiver: takes rows from other programs, keeps them in the journal, and only then says so."""
