"""A run and its model as one page for people: `gather` reads, `charts` draws, `page` writes.

Nothing is computed here that a command cannot print: figures come from the run's events and the model's card, dots
from the rows that the model never saw.
"""
