"""How old a profile is: what its cells tell, noise of a known law, and so the error that no model can beat.

The joint law of a profile and an age can be written in two ways. "A person of some age has such a career" is how
one tells it, but the best guess of an age from a profile is then an integral nobody can solve. "A profile of such
a career belongs to a person of about such an age, give or take" is the same kind of law, and its best guess is
plain. So profiles are made in this order:

1. A core age, never shown, drives degrees, jobs, titles, pay, contacts (`careers`).
2. Dirt takes cells away or spoils them (`careers` and `columns`).
3. `reading` computes g from the cells that are *still legible*: years since the first degree, years since the
   first job, level, pay, and so on. What dirt has hidden it does not use.
4. The age is A = clip(floor(g + s z + 1/2), 18, 85). z is Student's t with 4 degrees of freedom, drawn from a
   stream of its own; s (`Reading.scale`) depends only on how much is legible and on g.

Given everything in the row, g and s are fixed, and z is independent of the row and has median 0. Rounding and
clipping never reorder, so the median of A given the row is m = clip(floor(g + 1/2), 18, 85). A median minimises
the mean absolute error, hence no function of the row has a smaller expected error than

    E|A - m|  =  sum over k >= 1 of  P(A >= m + k) + P(A <= m - k)

which `expected_error` evaluates with the closed form of the t distribution. Its mean over the labelled rows is
`best_mae`: a lower bound (it conditions on all cells) that is reached (by m). Since E|t4| = 1, it is close to
the mean of s. Rows are labelled by chance alone, so the bound is the same for labelled and other rows.

The tails are heavy (variance twice the squared mean error, no fourth moment): they stand for people who changed
career, studied late or left school early without their profile telling.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from agecli.synth.careers import Visible

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

YOUNGEST, OLDEST = 18, 85

# Typical age at the end of a degree, and at the first job, by level of `words.EDUCATION_LEVELS`; last: none known.
_AGE_AT_DEGREE = np.array([25.0, 18.4, 21.0, 22.7, 25.9, 30.2])
_AGE_AT_FIRST_JOB = np.array([22.0, 19.2, 20.6, 22.6, 24.2, 27.4, 21.8])
# Years by which a cell moves the reading; the last entry stands for a missing cell.
_LEVEL = np.array([-1.9, -0.8, 0.3, 1.2, 2.1, 3.1, 0.0])
_SENIORITY = np.array([-1.5, -0.2, 0.4, 0.7, 0.9, 1.2, 1.5, 1.9, 0.0])
_FUNCTION = np.array([0.4, 0.3, -0.6, -0.8, 0.7, 0.0, 0.3, 0.2, 0.1, -0.5, 0.8, -0.9, 0.5, 0.0, -0.4, 0.0])
_INDUSTRY_SPREAD = 1.4


@dataclass(frozen=True)
class Reading:
    """What the legible cells say: `age` (g, years) and `scale` (s, years), one of each per row."""

    age: Floats
    scale: Floats

    def best_guess(self) -> Ints:
        """The median age given the row: the guess with the smallest expected absolute error."""
        return np.clip(np.floor(self.age + 0.5), YOUNGEST, OLDEST).astype(np.int32)

    def draw(self, uniform: Floats) -> Ints:
        """Ages in whole years; `uniform` in (0, 1), one per row."""
        age = np.floor(self.age + self.scale * student4_quantile(uniform) + 0.5)
        return np.clip(age, YOUNGEST, OLDEST).astype(np.int32)

    def expected_error(self) -> Floats:
        """E|A - m| per row in years, interpolated in a table of exact values (to about 0.001)."""
        return _interpolate(self.age, self.scale)


def reading(seen: Visible) -> Reading:
    """The age that a row's legible cells suggest, and how far off such a reading is."""
    by_degree = seen.years_since_degree + _AGE_AT_DEGREE[seen.first_degree]
    by_career = seen.years_since_first_job + _AGE_AT_FIRST_JOB[seen.top_degree]
    older, younger = np.fmax(by_degree, by_career), np.fmin(by_degree, by_career)
    # Where the two agree, their mean; where they do not, somebody studied late or left out first jobs: the older.
    apart = np.clip((older - younger) / 8.0, 0.0, 1.0)
    sources = np.isfinite(by_degree).astype(np.int32) + np.isfinite(by_career)
    base = np.where(sources == 0, 39.0, older - (0.5 - 0.5 * apart) * (older - younger))
    # Those who still keep a profile late in life are younger than their records: they came to it late.
    base = base - 0.4 * np.maximum(base - 55.0, 0.0)
    # The less the dates say, the more the rest counts, and the wider the noise.
    weight = np.array([2.0, 1.2, 0.9])[sources]
    age = base + weight * _shift(seen)
    scale = np.array([6.6, 3.7, 2.9])[sources] * (0.72 + 0.28 * np.clip(age, 20, 75) / 40.0)
    return Reading(np.clip(age, 15.0, 90.0), scale)


def _shift(seen: Visible) -> Floats:
    """Years that the cells other than dates of study and first job add to a reading or take from it."""
    churn = seen.jobs / np.maximum(seen.years_since_first_job, 1.0)
    pay, rung = np.where(seen.pay >= 0, seen.pay, 4.5), np.where(seen.level >= 0, seen.level, 1.7)
    stay = np.sqrt(np.minimum(np.nan_to_num(seen.tenure, nan=3.6), 30.0)) - 1.9
    skills = np.minimum(np.nan_to_num(seen.skills, nan=11.0), 32.0) - 11.0
    years: Floats = (
        _LEVEL[seen.level]
        + _SENIORITY[seen.seniority]
        + _FUNCTION[seen.function]
        + np.append(_industry_effects(), 0.0)[seen.industry]
        # Good pay comes with age; the worst paid are beginners and those who work a few hours before they retire.
        + 0.15 * (pay - 4.5)
        + 0.13 * (np.abs(pay - 4.5) ** 1.7 - 5.0)
        # A high salary on a low rung is a specialist's, of some age; low pay at the top a young founder's.
        - 0.30 * (rung - 1.7) * (pay - 4.5)
        # Long in the same job: older, and more so on a low rung.
        + stay * (1.1 - 0.45 * (rung - 1.7))
        + _known(0.45 * (np.log1p(seen.connections) - 5.0))
        + _known(-1.3 * (np.clip(churn, 0.0, 1.0) - 0.35))
        # The middle-aged list the most skills.
        + 0.9
        - 0.011 * skills**2
        + _known(0.8 * (np.log1p(seen.years_since_update) - 0.8))
        + 0.5 * seen.has_personal_email
        + 0.4 * seen.has_facebook
        - 0.6 * seen.has_twitter
        - 0.4 * seen.linkedin_valid
    )
    return years


def _known(effect: Floats) -> Floats:
    """Zero where the cell is missing or illegible."""
    return np.nan_to_num(effect, nan=0.0)


@lru_cache(maxsize=1)
def _industry_effects() -> Floats:
    """One effect per industry, evenly spread, in an order that has no pattern."""
    ranks = (np.arange(50) * 27 + 11) % 50
    return _INDUSTRY_SPREAD * (ranks / 24.5 - 1.0)


def student4_cdf(t: Floats) -> Floats:
    """Distribution function of Student's t with 4 degrees of freedom (Shaw 2006, eq. 35)."""
    u = t / np.sqrt(4.0 + t * t)
    return 0.5 + 0.75 * (u - u**3 / 3.0)


def student4_quantile(p: Floats) -> Floats:
    """Its inverse, in closed form (Shaw 2006, eq. 37); p in (0, 1)."""
    root = np.sqrt(4.0 * p * (1.0 - p))
    return np.sign(p - 0.5) * 2.0 * np.sqrt(np.maximum(np.cos(np.arccos(root) / 3.0) / root - 1.0, 0.0))


def exact_error(age: Floats, scale: Floats) -> Floats:
    """E|A - m| by summing tail probabilities; `age` and `scale` broadcast. Slow: `expected_error` tabulates it."""
    age, scale = np.broadcast_arrays(np.asarray(age, float), np.asarray(scale, float))
    guess = np.clip(np.floor(age + 0.5), YOUNGEST, OLDEST)
    total = np.zeros(age.shape)
    for year in range(YOUNGEST, OLDEST):
        # P(A <= year) counts once for every guess above the year, P(A > year) for every guess at or below it.
        below = student4_cdf((year + 0.5 - age) / scale)
        total += np.where(guess > year, below, 1.0 - below)
    return total


_AGES = np.arange(15.0, 90.01, 0.125)
_SCALES = np.arange(2.0, 9.51, 0.25)


@lru_cache(maxsize=1)
def _table() -> Floats:
    return exact_error(_AGES[:, None], _SCALES[None, :])


def _interpolate(age: Floats, scale: Floats) -> Floats:
    """Bilinear; exact at half-integer ages, where the guess jumps and the error has its kinks."""
    x = np.clip((age - _AGES[0]) / 0.125, 0, len(_AGES) - 1.001)
    y = np.clip((scale - _SCALES[0]) / 0.25, 0, len(_SCALES) - 1.001)
    i, j = x.astype(int), y.astype(int)
    u, v, table = x - i, y - j, _table()
    low = table[i, j] * (1 - u) + table[i + 1, j] * u
    high = table[i, j + 1] * (1 - u) + table[i + 1, j + 1] * u
    error: Floats = low * (1 - v) + high * v
    return error
