"""The commands behind `python -m gan_lessons`: each module adds its own to the parser.

What builds the parser imports nothing heavy, so that help and check-up come at once and survive
a broken installation; what carries a command out imports the package when it runs.
"""
