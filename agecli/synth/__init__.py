"""Profiles made up for trying things on: as dirty as real ones, and with a known best possible error.

    generate -> writer  files, resumed where a killed run left off
                  chunk   25,000 rows at a time
                    careers  people as numbers       columns  numbers as text, malformed JSON
                    truth    the age, its noise      words    names, schools, companies, titles, skills
                  report  counts, rates of dirt, best_mae

An age can be learned from the columns and not read off them; `truth` says how the error that no model can beat is
known. The same rows and seed give the same bytes with the same versions of NumPy and Arrow.
"""

from agecli.synth.report import SynthReport
from agecli.synth.writer import generate

__all__ = ["SynthReport", "generate"]
