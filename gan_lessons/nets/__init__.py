"""Generators and critics, one file per family."""
