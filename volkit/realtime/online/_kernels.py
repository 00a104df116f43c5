"""Compiled steps of the online calibrators: one score in, the next multiplier out.

The step that a live calibrator takes and the loop over a history are the same compiled function, so both give the same
bits. `settings` holds what does not change, `head` counts and multipliers, `experts` levels and weights, `history` past
scores in order of arrival and of size, `curve` the multiplier of each level.
"""

from math import exp, inf, isnan, log, pi, tan

from numba import njit

__all__ = [
    "ABOVE",
    "CHARGED",
    "ERRORS",
    "ETA",
    "EXCEEDED",
    "FALL",
    "FLOOR",
    "FLOOR_LEVEL",
    "GAIN",
    "HEAD_START",
    "LARGEST",
    "LEVEL",
    "MULTIPLIER",
    "N_HEAD",
    "N_SETTINGS",
    "N_TAKEN",
    "PLACE",
    "RISE",
    "SATURATION",
    "SIGMA",
    "SKIPPED",
    "STEP",
    "TARGET",
    "TRACKED",
    "integral_run",
    "integral_step",
    "level_multiplier",
    "level_run",
    "level_step",
    "tracker_run",
    "tracker_step",
]

TARGET, STEP, FLOOR, LARGEST, RISE, FALL, GAIN, SATURATION, SIGMA, ETA, FLOOR_LEVEL, HEAD_START = range(12)
N_SETTINGS = 12
CHARGED, MULTIPLIER, N_TAKEN, EXCEEDED, SKIPPED, ABOVE, TRACKED, ERRORS, LEVEL, PLACE = range(10)
N_HEAD = 10
_NEAR = 0.35


@njit(cache=True, error_model="numpy", forceinline=True)
def _take(settings, head, score):
    """Count a score and what it did to the multiplier; return whether the update's own threshold was exceeded."""
    # The rule sees no score above `largest`: chasing what cannot be charged would only delay the way back.
    exceeded, error = score > head[MULTIPLIER], min(score, settings[LARGEST]) > head[CHARGED]
    head[N_TAKEN] += 1.0
    head[EXCEEDED] += exceeded
    head[ABOVE] += exceeded and not error
    return error


@njit(cache=True, error_model="numpy", forceinline=True)
def _charge(settings, head, wanted):
    """Put the floor and the caps on what the rule wants next."""
    held = head[MULTIPLIER]
    charged = min(max(max(wanted, settings[FLOOR]), held - settings[FALL]), held + settings[RISE])
    head[CHARGED] = charged
    head[MULTIPLIER] = min(max(charged, 0.0), settings[LARGEST])


@njit(cache=True, error_model="numpy")
def tracker_step(settings, curve, head, experts, history, score):  # noqa: ARG001 (every step is called alike)
    """q + step (1[s > q] - target)."""
    if isnan(score):
        head[SKIPPED] += 1.0
        return
    error = 1.0 if _take(settings, head, score) else 0.0
    _charge(settings, head, head[CHARGED] + settings[STEP] * (error - settings[TARGET]))


@njit(cache=True, error_model="numpy")
def integral_step(settings, curve, head, experts, history, score):  # noqa: ARG001
    """The tracker's step plus gain tan(E log(u) / (saturation u)): E sums the errors, u = head start + t + 1."""
    if isnan(score):
        head[SKIPPED] += 1.0
        return
    surprise = (1.0 if _take(settings, head, score) else 0.0) - settings[TARGET]
    head[TRACKED] = max(head[TRACKED] + settings[STEP] * surprise, settings[FLOOR])
    head[ERRORS] += surprise
    if settings[FLOOR] > -inf:
        # Credit from calm years must not delay the answer to the first bad day.
        head[ERRORS] = max(head[ERRORS], 0.0)
    periods = head[N_TAKEN] + settings[HEAD_START] + 1.0
    angle = head[ERRORS] * log(periods) / (settings[SATURATION] * periods)
    if angle >= 0.5 * pi:
        integral = inf
    elif angle <= -0.5 * pi:
        integral = -inf
    else:
        integral = settings[GAIN] * tan(angle)
    _charge(settings, head, head[TRACKED] + integral)


@njit(cache=True, error_model="numpy", forceinline=True)
def _n_at_least(curve, score):
    """How many multipliers of the curve, which fall, are at least `score`."""
    # Rows are not cut out of tables anywhere here: a view counts its references, at the price of a whole search.
    low, n = 0, curve.shape[1]
    # Halves by arithmetic: a processor cannot guess which half a score falls in.
    while n > 1:
        half = n >> 1
        low += half * (curve[1, low + half - 1] >= score)
        n -= half
    return low + (curve[1, low] >= score)


@njit(cache=True, error_model="numpy", forceinline=True)
def _n_below(table, row, value):
    """How many values of a row of a table, which rise, are below a value."""
    low, high = 0, table.shape[1]
    while low < high:
        middle = (low + high) // 2
        if table[row, middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy", forceinline=True)
def _between(curve, j, level):
    """The straight line from knot j - 1 to knot j; never outside their multipliers, whatever is rounded."""
    if level == curve[0, j]:
        return curve[1, j]
    share = (level - curve[0, j - 1]) / (curve[0, j] - curve[0, j - 1])
    line = curve[1, j - 1] + share * (curve[1, j] - curve[1, j - 1])
    return max(min(line, curve[1, j - 1]), curve[1, j])


@njit(cache=True, error_model="numpy")
def level_multiplier(curve, history, level):
    """The multiplier at a level: infinite at 0 and below, minus infinite at 1 and above."""
    return _read(curve, history, level, _n_below(curve, 0, level))


@njit(cache=True, error_model="numpy", forceinline=True)
def _walk(curve, level, j):
    """How many levels lie below one, from a guess: levels move little from score to score."""
    while j > 0 and curve[0, j - 1] >= level:
        j -= 1
    while j < curve.shape[1] and curve[0, j] < level:
        j += 1
    return j


@njit(cache=True, error_model="numpy", forceinline=True)
def _read(curve, history, level, j):
    """The multiplier at a level that j knots lie below."""
    if level <= 0.0:
        return inf
    if level >= 1.0:
        return -inf
    n = history.shape[1]
    if n > 0:
        rank = int((1.0 - level) * (n + 1))
        return inf if rank >= n else history[1, rank]
    if j == 0:
        return curve[1, 0]
    if j == curve.shape[1]:
        return curve[1, -1]
    return _between(curve, j, level)


@njit(cache=True, error_model="numpy", forceinline=True)
def _remember(history, head, score):
    """Put a score in the place of the oldest one, and keep the sorted row sorted."""
    n = history.shape[1]
    place = int(head[PLACE])
    gone, history[0, place] = history[0, place], score
    head[PLACE] = (place + 1) % n
    i = _n_below(history, 1, gone)
    while i + 1 < n and history[1, i + 1] < score:
        history[1, i] = history[1, i + 1]
        i += 1
    while i > 0 and history[1, i - 1] > score:
        history[1, i] = history[1, i - 1]
        i -= 1
    history[1, i] = score


@njit(cache=True, error_model="numpy", forceinline=True)
def _errs(curve, history, j, level, score):
    """Whether the score lies above the multiplier at a level, from the place j of the score."""
    if level <= 0.0 or level >= 1.0:
        return level >= 1.0
    n = history.shape[1]
    if n > 0:
        return j > int((1.0 - level) * (n + 1))
    if j == 0:
        return True
    if j == curve.shape[1] or level <= curve[0, j - 1]:
        return False
    return level >= curve[0, j] or score > _between(curve, j, level)


@njit(cache=True, error_model="numpy", forceinline=True)
def _level_of(curve, history, j, score):
    """The level whose multiplier the score is, from its place j."""
    n = history.shape[1]
    if n > 0:
        return 1.0 - j / (n + 1)
    if j == 0 or j == curve.shape[1]:
        return 0.0 if j == 0 else 1.0
    share = (curve[1, j - 1] - score) / (curve[1, j - 1] - curve[1, j])
    return curve[0, j - 1] + share * (curve[0, j] - curve[0, j - 1])


@njit(cache=True, error_model="numpy", forceinline=True)
def _exp_near(x):
    """e^x for |x| <= 0.35 by its series to the 13th power, off by 5e-18: all experts at once, without a branch."""
    x2 = x * x
    x4 = x2 * x2
    low = (1.0 + x) + (1.0 / 2.0 + x * (1.0 / 6.0)) * x2
    middle = (1.0 / 24.0 + x * (1.0 / 120.0)) + (1.0 / 720.0 + x * (1.0 / 5040.0)) * x2
    high = (1.0 / 40320.0 + x * (1.0 / 362880.0)) + (1.0 / 3628800.0 + x * (1.0 / 39916800.0)) * x2
    highest = 1.0 / 479001600.0 + x * (1.0 / 6227020800.0)
    return low + (middle + (high + highest * x4) * x4) * x4


@njit(cache=True, error_model="numpy", forceinline=True)
def _weigh(settings, experts):
    """Exponential weights with a share for everyone; row 2 holds the losses."""
    k = experts.shape[1]
    least = most = experts[2, 0]
    for i in range(1, k):
        least, most = min(least, experts[2, i]), max(most, experts[2, i])
    if settings[ETA] * (most - least) <= _NEAR:
        for i in range(k):
            experts[1, i] *= _exp_near(settings[ETA] * (least - experts[2, i]))
    else:
        for i in range(k):
            experts[1, i] *= exp(settings[ETA] * (least - experts[2, i]))
    total = 0.0
    for i in range(k):
        total += experts[1, i]
    shared = settings[SIGMA] / k
    kept = (1.0 - settings[SIGMA]) / total
    mean = 0.0
    for i in range(k):
        # They sum to one as they are, and the next sum takes out what rounding leaves.
        experts[1, i] = kept * experts[1, i] + shared
        mean += experts[1, i] * experts[0, i]
    return mean


@njit(cache=True, error_model="numpy", forceinline=True)
def level_step(settings, curve, head, experts, history, score):
    """level + gamma (target - error) of every expert, and the multiplier at their mean level."""
    if isnan(score):
        head[SKIPPED] += 1.0
        return
    _take(settings, head, score)
    target, n, seen = settings[TARGET], history.shape[1], min(score, settings[LARGEST])
    if n > 0:
        j = _n_below(history, 1, seen)
        j_floor = _n_below(history, 1, settings[FLOOR])
    else:
        j = _n_at_least(curve, seen)
        j_floor = 0
    beta = _level_of(curve, history, j, seen)
    for i in range(experts.shape[1]):
        level, gamma = experts[0, i], experts[3, i]
        distance = beta - level
        experts[2, i] = target * distance - min(0.0, distance)
        if seen > settings[FLOOR] and _errs(curve, history, j, level, seen):
            experts[0, i] = level + gamma * (target - 1.0)
            continue
        rank = int((1.0 - level) * (n + 1))
        is_held = level > 0.0 and (j_floor > rank if n > 0 else level >= settings[FLOOR_LEVEL])
        # Where the floor holds the multiplier up, a level that went on rising would answer late.
        if not is_held:
            experts[0, i] = level + gamma * target
    head[LEVEL] = _weigh(settings, experts) if experts.shape[1] > 1 else experts[0, 0]
    place = 0
    if n > 0:
        _remember(history, head, score)
    else:
        place = _walk(curve, head[LEVEL], int(head[PLACE]))
        head[PLACE] = place
    _charge(settings, head, _read(curve, history, head[LEVEL], place))


@njit(cache=True, error_model="numpy", nogil=True)
def tracker_run(settings, curve, head, experts, history, scores, out):
    """Fill out, shape (n,), with the multiplier that each score met."""
    for t in range(len(scores)):
        out[t] = head[MULTIPLIER]
        tracker_step(settings, curve, head, experts, history, scores[t])


@njit(cache=True, error_model="numpy", nogil=True)
def integral_run(settings, curve, head, experts, history, scores, out):
    """Fill out, shape (n,), with the multiplier that each score met."""
    for t in range(len(scores)):
        out[t] = head[MULTIPLIER]
        integral_step(settings, curve, head, experts, history, scores[t])


@njit(cache=True, error_model="numpy", nogil=True)
def level_run(settings, curve, head, experts, history, scores, out, levels):
    """Fill out and levels, shape (n,), with the multiplier that each score met and the level behind it."""
    for t in range(len(scores)):
        out[t], levels[t] = head[MULTIPLIER], head[LEVEL]
        level_step(settings, curve, head, experts, history, scores[t])
