"""The engine of Quarterdeck: services, storage and command line. It knows nothing of the terminal screen."""

__version__ = "0.1.0"
