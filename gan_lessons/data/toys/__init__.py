"""Toy pictures drawn by code: faces and rooms whose factors are known and can be counted."""
