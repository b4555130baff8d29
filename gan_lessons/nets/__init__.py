"""Generators and critics, one file a family."""
