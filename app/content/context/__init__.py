"""What drafts are filled with before anybody is asked: live data of the other areas, kept with each draft."""
