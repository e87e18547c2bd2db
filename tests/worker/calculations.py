"""Long calculations, step by step: eliminations, iterations, recurrences."""

import math
import random
from fractions import Fraction

from tests.worker.material import Collection

CALCULATIONS = Collection()


@CALCULATIONS.add
def gaussian_elimination(chance: random.Random) -> str:
    size = 6
    rows = [[Fraction(chance.randrange(-9, 10)) for _ in range(size + 1)] for _ in range(size)]
    out = []
    for at in range(size):
        if not rows[at][at]:
            rows[at][at] = Fraction(1)
        for below in range(at + 1, size):
            factor = rows[below][at] / rows[at][at]
            rows[below] = [x - factor * y for x, y in zip(rows[below], rows[at], strict=True)]
            out.append(
                f"Subtract {factor} times row {at + 1} from row {below + 1}: ({', '.join(map(str, rows[below]))}).\n"
            )
    return "".join(out)


@CALCULATIONS.add
def back_substitution(chance: random.Random) -> str:
    values = [chance.randrange(-20, 20) for _ in range(20)]
    return "".join(
        f"From row {20 - n} we get x_{20 - n} = {sum(values[:n])} - {sum(values[:n]) - v} = {v}. "
        for n, v in enumerate(values)
    )


@CALCULATIONS.add
def newtons_iteration(chance: random.Random) -> str:
    out, x = [], 90.0
    for n in range(9):
        following = (x + 7 / x) / 2
        out.append(f"x_{n + 1} = (x_{n} + 7/x_{n})/2 = ({x:.6f} + {7 / x:.6f})/2 = {following:.6f}. ")
        x = following
    return "".join(out)


@CALCULATIONS.add
def bisection(chance: random.Random) -> str:
    low, high, out = 1.0, 2.0, []
    for n in range(1, 16):
        middle = (low + high) / 2
        right = middle * middle < 2
        out.append(
            f"Step {n}: the middle of [{low:.5f}, {high:.5f}] is {middle:.5f}, its square is "
            f"{middle * middle:.5f}, {'too small' if right else 'too large'}, "
            f"so we keep the {'right' if right else 'left'} half. "
        )
        low, high = (middle, high) if right else (low, middle)
    return "".join(out)


@CALCULATIONS.add
def fibonacci_numbers(chance: random.Random) -> str:
    a, b, out = 1, 1, []
    for n in range(3, 40):
        a, b = b, a + b
        out.append(f"F_{n} = F_{n - 1} + F_{n - 2} = {b - a} + {a} = {b}. ")
    return "".join(out)


@CALCULATIONS.add
def powers_modulo(chance: random.Random) -> str:
    return "".join(
        f"3^{n} ≡ {pow(3, n, 31)} (mod 31), since 3·{pow(3, n - 1, 31)} = {3 * pow(3, n - 1, 31)}. "
        for n in range(1, 31)
    )


@CALCULATIONS.add
def last_digits(chance: random.Random) -> str:
    return "".join(f"The last digit of 7^{n} is {pow(7, n, 10)}. " for n in range(1, 30))


@CALCULATIONS.add
def binomials(chance: random.Random) -> str:
    return "".join(f"C(12,{k}) = C(12,{k - 1})·{13 - k}/{k} = {math.comb(12, k)}. " for k in range(1, 13))


@CALCULATIONS.add
def pascals_triangle(chance: random.Random) -> str:
    return "".join(f"Row {n}: {', '.join(str(math.comb(n, k)) for k in range(n + 1))}.\n" for n in range(16))
