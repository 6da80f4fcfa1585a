"""The retrain trigger: when enough was decided, the rows are frozen and handed to whoever trains, exactly once."""
