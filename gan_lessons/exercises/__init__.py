"""The checkers behind the exercises: they say what is wrong, in both languages."""
