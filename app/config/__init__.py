"""The parts of the settings: finding the file, reading it with positions, the environment, secrets, wording errors."""
