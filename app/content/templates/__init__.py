"""Templates of drafts: found, asked, and filled where they can do no harm."""
