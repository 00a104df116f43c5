"""What Black-76 formulas ask of their arguments, checked once at the boundary, and how rows reach kernels."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from volkit.checks import real_floats, refuse_odd_scale
from volkit.errors import ArgumentError, DataError

__all__ = ["ArrayLike", "OptionArguments", "by_block", "call_signs", "check_option", "check_range", "numbers"]

ArrayLike = npt.ArrayLike

# Rows a block: eight arrays of it stay in the first two caches.
_BLOCK = 8192
# Smaller doubles have lost digits.
_SMALLEST = float(np.finfo(np.float64).tiny)
_REMEDIES = {
    "time": "drop options that have expired; time is in years to expiry",
    "volatility": "drop the row or repair its volatility, decimal per year",
}


class OptionArguments(NamedTuple):
    """Arguments of the Black-76 formula as float64 arrays that broadcast; `sign` is +1 for calls and -1 for puts."""

    forward: np.ndarray
    strike: np.ndarray
    time: np.ndarray
    volatility: np.ndarray
    sign: np.ndarray
    discount: np.ndarray


def numbers(value: ArrayLike, *, argument: str) -> np.ndarray:
    """Return an argument as float64, in the shape it has.

    Raises
    ------
    DataError
        When it is text or an object that is no number.

    Examples
    --------
    >>> numbers([1, 2], argument="strike")
    array([1., 2.])
    """
    try:
        raw = np.asarray(value)
        found = raw if raw.dtype == np.float64 else real_floats(raw)
    except (TypeError, ValueError) as error:
        raise DataError(argument, "must be numbers", type(value).__name__, "use pd.to_numeric first") from error
    if found.ndim == 0:
        refuse_odd_scale(found, argument=argument)
    return found


def call_signs(is_call: ArrayLike) -> np.ndarray:
    """Return +1 for calls and -1 for puts, in the shape of the argument.

    Raises
    ------
    ArgumentError
        When a value is neither true nor false.

    Examples
    --------
    >>> call_signs([True, False])
    array([ 1., -1.])
    """
    calls = np.asarray(is_call)
    if calls.dtype != np.bool_:
        strange = [c for c in calls.ravel().tolist() if not isinstance(c, (bool, int, float)) or c not in (0, 1)]
        if strange:
            got = repr(strange[0])
            raise ArgumentError("is_call", "must be true for calls and false for puts", got, "pass booleans")
    return np.where(calls.astype(bool), 1.0, -1.0)


def check_range(values: np.ndarray, *, argument: str, zero: bool = False) -> np.ndarray:
    """Return the array when every value is finite and positive, or zero where that is allowed.

    Raises
    ------
    DataError
        Otherwise; the message names the first row.

    Examples
    --------
    >>> check_range(np.array([1.0, -2.0]), argument="strike")
    Traceback (most recent call last):
        ...
    volkit.errors.DataError: strike must be finite and positive; got -2 in row 1; drop the row or repair it.
    """
    least = 0.0 if zero else _SMALLEST
    if values.ndim == 0:
        is_inside = least <= values.item() < np.inf
    else:
        is_inside = values.size == 0 or bool(values.min() >= least and values.max() < np.inf)
    if is_inside:
        return values
    flat = values.ravel()
    row = int(np.flatnonzero(~((flat >= least) & (flat < np.inf)))[0])
    place = f" in row {row // max(values.size // len(values), 1)}" if values.ndim else ""
    rule = "must be finite and not negative" if zero else "must be finite and positive"
    raise DataError(argument, rule, f"{flat[row]:g}{place}", _REMEDIES.get(argument, "drop the row or repair it"))


def check_option(
    forward: ArrayLike,
    strike: ArrayLike,
    time: ArrayLike,
    volatility: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike,
) -> OptionArguments:
    """Return checked arguments as arrays that broadcast against each other.

    Raises
    ------
    DataError
        For a forward, strike or discount that is not positive, a negative time or volatility, NaN or inf; the
        message names the first row.
    ArgumentError
        For shapes that do not broadcast, or `is_call` that is not true or false.

    Examples
    --------
    >>> check_option(100.0, [90.0, 110.0], 0.5, 0.8, [True, False], 1.0).sign
    array([ 1., -1.])
    """
    given = {"forward": forward, "strike": strike, "time": time, "volatility": volatility, "discount": discount}
    arrays = {
        name: check_range(numbers(value, argument=name), argument=name, zero=name in _REMEDIES)
        for name, value in given.items()
    }
    return OptionArguments(**arrays, sign=call_signs(is_call))


def by_block(
    kernel: Callable[..., None], arrays: Sequence[np.ndarray], *, outputs: Sequence[type[np.generic]]
) -> tuple[np.ndarray, ...]:
    """Return what a kernel fills row by row, in the shape to which the arrays broadcast.

    Parameters
    ----------
    kernel : callable
        Takes one-dimensional arrays of one length: the inputs, then the outputs to fill.
    arrays : sequence of ndarray
        float64; they are broadcast block by block, never as a whole.
    outputs : sequence of type
        Type of each output.

    Returns
    -------
    tuple of ndarray
        The outputs; scalars where every array had no dimension.

    Raises
    ------
    ArgumentError
        When the shapes do not broadcast.
    """
    n = len(arrays)
    # The operand flag "contig" is missing from numpy's types.
    uses: Any = [["readonly", "contig"]] * n + [["writeonly", "allocate", "contig"]] * len(outputs)
    try:
        rows = np.nditer(
            [*arrays, *[None] * len(outputs)],
            flags=["external_loop", "buffered", "zerosize_ok"],
            op_flags=uses,
            op_dtypes=[np.float64] * n + list(outputs),
            order="C",
            buffersize=_BLOCK,
        )
    except ValueError as error:
        got = ", ".join(str(array.shape) for array in arrays)
        raise ArgumentError("arguments", "must have shapes that broadcast", got, "pass one value an option") from error
    with rows:
        if rows.itersize:
            for block in rows:
                kernel(*block)
        return tuple(filled[()] for filled in rows.operands[n:])
