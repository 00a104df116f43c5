"""The live state run forward over bars: one step of a recursion or of a HAR model, in constant time.

The state lies in arrays of the caller, so that a stream of single bars and a whole table run through the same code.
Times are int64 nanoseconds (UTC), labels of the bars' opens. `grid`: see the constants.
"""

from math import exp, inf, log, sqrt

from numba import njit

__all__ = ["follow_har", "follow_many", "follow_recursion", "sum_ahead"]

# What became of a bar.
TAKEN, BAD_PRICE, REPEATED, DISORDERED, OFF_CLOCK, RESTARTED, SHORT_PERIOD, ABSENT = range(8)
# Entries of grid: nanoseconds from bar to bar, longest bridge, length of a seasonal slot, kind of return, and of a
# HAR model the length of its period and the least number of bars in one.
STEP, MAX_GAP, SLOT, RETURNS, PERIOD, LEAST_BARS = range(6)
SIMPLE, LOG, GIVEN = range(3)
# Entries of numbers and of clock.
LEVEL, CLOSE, SQUARES = range(3)
TIME, N_OBS, CURRENT, N_IN_PERIOD = range(4)
# Forms of a HAR model and entries of its core before the slopes.
VARIANCE_FORM, LOG_FORM, ROOT_FORM = range(3)
CONSTANT, CORRECTION, LOWEST, HIGHEST, INSTEAD, N_BARS = range(6)


@njit(cache=True, error_model="numpy", inline="always")
def _classify(time, value, grid, clock):
    """Return what a bar is, and the periods from the last bar taken."""
    if grid[RETURNS] == GIVEN:
        if not (value > -1.0 and value < inf):
            return BAD_PRICE, 0
    elif value != value:
        return ABSENT, 0
    elif not (value > 0.0 and value < inf):
        return BAD_PRICE, 0
    gap = time - clock[TIME]
    if gap == grid[STEP]:
        return TAKEN, 1
    if gap == 0:
        return REPEATED, 0
    if gap < 0:
        return DISORDERED, 0
    if gap % grid[STEP] != 0:
        return OFF_CLOCK, 0
    if gap > grid[MAX_GAP]:
        return RESTARTED, 0
    return TAKEN, gap // grid[STEP]


@njit(cache=True, error_model="numpy", inline="always")
def _return_of(value, kind, numbers):
    if kind == GIVEN:
        return value
    return value / numbers[CLOSE] - 1.0 if kind == SIMPLE else log(value / numbers[CLOSE])


@njit(cache=True, error_model="numpy", inline="always")
def _take(time, value, kind, numbers, clock):
    numbers[CLOSE] = numbers[CLOSE] * (1.0 + value) if kind == GIVEN else value
    clock[TIME] = time


@njit(cache=True, error_model="numpy", nogil=True)
def follow_recursion(times, values, grid, core, season, numbers, clock, level, status):
    """Run v' = omega + (alpha + gamma 1[e < 0]) e^2 + beta v over bars; fill the level after each, and what it was.

    core: mu, omega, alpha, gamma, beta. A return over k periods counts as k equal ones of its size over sqrt(k).
    """
    mu, omega, alpha, gamma, beta = core[0], core[1], core[2], core[3], core[4]
    n_slots = len(season)
    for i in range(len(times)):
        what, k = _classify(times[i], values[i], grid, clock)
        status[i] = what
        if what == TAKEN:
            r = _return_of(values[i], grid[RETURNS], numbers)
            if n_slots > 1:
                r = r / season[(times[i] // grid[SLOT]) % n_slots]
            e = r - mu if k == 1 else (r - k * mu) / sqrt(k)
            for _ in range(k):
                numbers[LEVEL] = omega + (alpha + gamma if e < 0.0 else alpha) * (e * e) + beta * numbers[LEVEL]
            clock[N_OBS] += 1
        if what in (TAKEN, RESTARTED):
            _take(times[i], values[i], grid[RETURNS], numbers, clock)
        level[i] = numbers[LEVEL]


@njit(cache=True, error_model="numpy")
def _close_period(form, grid, core, lags, numbers, clock, ring):
    """Put the period's variance on the ring and renew the level; return whether it had bars enough."""
    total, n = numbers[SQUARES], clock[N_IN_PERIOD]
    numbers[SQUARES], clock[N_IN_PERIOD] = 0.0, 0
    if n < grid[LEAST_BARS] or not total > 0.0:
        return False
    longest = len(ring)
    for j in range(longest - 1):
        ring[j] = ring[j + 1]
    ring[longest - 1] = total
    mean = core[CONSTANT]
    for j in range(len(lags)):
        s = 0.0
        for m in range(longest - lags[j], longest):
            s += ring[m] if form == VARIANCE_FORM else (log(ring[m]) if form == LOG_FORM else sqrt(ring[m]))
        mean += core[N_BARS + 1 + j] * (s / lags[j])
    raw = mean
    if form == LOG_FORM:
        raw = exp(mean + core[CORRECTION])
    elif form == ROOT_FORM:
        raw = mean * mean + core[CORRECTION]
    if raw < core[LOWEST] or raw > core[HIGHEST]:
        raw = core[INSTEAD]
    numbers[LEVEL] = raw / core[N_BARS]
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def follow_har(times, values, grid, form, core, lags, numbers, clock, ring, level, status):
    """Sum squared returns within each period, and renew the variance of a bar when a period ends."""
    period, step = grid[PERIOD], grid[STEP]
    for i in range(len(times)):
        what, _ = _classify(times[i], values[i], grid, clock)
        status[i] = what
        if what in (TAKEN, RESTARTED):
            whole = True
            if times[i] // period != clock[CURRENT]:
                # The last bars of the period before never came; one that ended on its last bar has none left here.
                if clock[N_IN_PERIOD] > 0:
                    whole = _close_period(form, grid, core, lags, numbers, clock, ring)
                clock[CURRENT] = times[i] // period
            if what == TAKEN:
                r = _return_of(values[i], grid[RETURNS], numbers)
                numbers[SQUARES] += r * r
                clock[N_IN_PERIOD] += 1
                clock[N_OBS] += 1
            if (times[i] + step) // period != clock[CURRENT]:
                whole = _close_period(form, grid, core, lags, numbers, clock, ring) and whole
                clock[CURRENT] += 1
            if not whole and what == TAKEN:
                status[i] = SHORT_PERIOD
            _take(times[i], values[i], grid[RETURNS], numbers, clock)
        level[i] = numbers[LEVEL]


@njit(cache=True, error_model="numpy", nogil=True)
def follow_many(times, values, grids, cores, seasons, n_slots, numbers, clocks, levels, status):
    """Run many recursions, one a row of every array, over common times; values, shape (n_assets, n)."""
    for a in range(len(values)):
        follow_recursion(
            times, values[a], grids[a], cores[a], seasons[a, : n_slots[a]], numbers[a], clocks[a], levels[a], status[a]
        )


@njit(cache=True, error_model="numpy", nogil=True)
def sum_ahead(times, level, grid, omega, slope, season, n, out):
    """Fill out with the expected variance of the n bars after each time, of which `level` is the first's."""
    n_slots = len(season)
    for i in range(len(times)):
        v, total = level[i], 0.0
        for k in range(1, n + 1):
            s = season[((times[i] + k * grid[STEP]) // grid[SLOT]) % n_slots] if n_slots > 1 else 1.0
            total += s * s * v
            v = omega + slope * v
        out[i] = total
