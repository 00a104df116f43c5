"""Elementary functions without a branch, so that a loop over them runs on vector registers; compiled.

The tail of the normal law is written N(-y) = exp(-y^2 / 2) tail(y) for y >= 0. The two rational functions for it were
fitted by a Remez exchange in 60-digit arithmetic; all their coefficients are positive, so nothing cancels.
"""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["exponential", "log_ratio", "tail", "tail_denominator", "tail_numerator"]

INVERSE_LN2 = 1.4426950408889634
# ln 2 in two parts: a whole number of up to 20 bits times the first is exact.
LN2_HIGH, LN2_LOW = 0.6931471804855391, 7.440617110012397e-11
LN2 = 0.6931471805599453
# Adding 1.5 x 2^52 leaves the nearest whole number in the last bits.
ROUNDER = 6755399441055744.0
HALF_EXPONENT = 1 << 51
# Below e^-708 a double has no full precision left.
LOWEST = -708.0


@intrinsic
def bits_of(_, value):  # noqa: ARG001 - numba asks for this name
    """Return the bits of a double as a whole number."""

    def generate(_, builder, __, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def double_of(_, value):  # noqa: ARG001 - numba asks for this name
    """Return the double that has these bits."""

    def generate(_, builder, __, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


@njit(cache=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def exponential(v):
    """Return e^v for v <= 0, zero below e^-708; relative error 2e-16.

    e^v = 2^n e^r with |r| <= ln 2 / 2; the polynomial for e^r is off by 1.3e-17.
    """
    held = v if v > LOWEST else LOWEST
    shifted = held * INVERSE_LN2 + ROUNDER
    n = shifted - ROUNDER
    r = (held - n * LN2_HIGH) - n * LN2_LOW
    q = 2.5100472505694996e-08
    q = q * r + 2.7620201591031547e-07
    q = q * r + 2.7557268276905696e-06
    q = q * r + 2.4801521057868204e-05
    q = q * r + 0.00019841269863171557
    q = q * r + 0.0013888888917367081
    q = q * r + 0.008333333333330039
    q = q * r + 0.041666666666623824
    q = q * r + 0.16666666666666669
    q = q * r + 0.50000000000000011
    q = 1.0 + (r + r * r * q)
    scaled = double_of(bits_of(q) + (bits_of(shifted) << 52))
    return scaled if v > LOWEST else 0.0


@njit(cache=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def log_ratio(a, b):
    """Return ln(a / b) of positive normal doubles, to full relative precision also where a is nearly b.

    b is brought next to a by a power of two; ln(a / b') = 2 atanh((a - b') / (a + b')), whose difference is exact.
    """
    n = (bits_of(a) - bits_of(b) + HALF_EXPONENT) >> 52
    near = double_of(bits_of(b) + (n << 52))
    z = (a - near) / (a + near)
    w = z * z
    q = 0.13675040139558708
    q = q * w + 0.13200970938121478
    q = q * w + 0.15389319441596797
    q = q * w + 0.18181726131268941
    q = q * w + 0.22222223197280425
    q = q * w + 0.28571428566366469
    q = q * w + 0.4000000000001
    q = q * w + 0.66666666666666663
    return n * LN2 + (2.0 * z + z * w * q)


@njit(cache=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def tail_numerator(y):
    """Return the numerator of exp(y^2 / 2) N(-y), whose relative error is 3.5e-14 for all y >= 0."""
    p = 1.063643848373706e-05
    p = p * y + 0.00023206197107643014
    p = p * y + 0.0024904597419993534
    p = p * y + 0.016821819665830545
    p = p * y + 0.077476312404547235
    p = p * y + 0.24831070388511148
    p = p * y + 0.54189643147588673
    p = p * y + 0.74267265958027939
    return p * y + 0.5  # fitted 1.6e-15 higher; so that the price without time is exactly the intrinsic value


@njit(cache=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def tail_denominator(y):
    """Return the denominator of exp(y^2 / 2) N(-y)."""
    q = 2.6661597444708263e-05
    q = q * y + 0.00058169309816749268
    q = q * y + 0.0062693184033328041
    q = q * y + 0.042747741933493018
    q = q * y + 0.20039364693471273
    q = q * y + 0.66342537010530689
    q = q * y + 1.5403165868065729
    q = q * y + 2.4055467329165876
    q = q * y + 2.2832298799641069
    return q * y + 1.0


@njit(cache=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def tail(y):
    """Return exp(y^2 / 2) N(-y) for y >= 0; the rational function is off by 3e-17, its rounding by a few 1e-16."""
    p = 2.7746859284049648e-07
    p = p * y + 8.4088559443372347e-06
    p = p * y + 0.00012538977596585063
    p = p * y + 0.0011960720032260597
    p = p * y + 0.0080224208985293644
    p = p * y + 0.039371841101654072
    p = p * y + 0.14296455069262784
    p = p * y + 0.37965184941686636
    p = p * y + 0.70855065693397923
    p = p * y + 0.84647884391088546
    p = p * y + 0.5
    q = 6.9551062013606529e-07
    q = q * y + 2.1077876067374726e-05
    q = q * y + 0.00031500106840575797
    q = q * y + 0.0030191857778534476
    q = q * y + 0.020422141591279596
    q = q * y + 0.10164652231002615
    q = q * y + 0.37784655485699448
    q = q * y + 1.0445512280241249
    q = q * y + 2.0973044991387488
    q = q * y + 2.9045058874410974
    q = q * y + 2.4908422486246344
    q = q * y + 1.0
    return p / q
