"""Takes over databases of the system that the guide describes."""
