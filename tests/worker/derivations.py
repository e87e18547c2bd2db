"""Long derivations that count through cases and come to something new in each."""

# ruff: noqa: RUF001 - derivations in other scripts

import random
from itertools import permutations, product

from tests.worker.calculations import CALCULATIONS
from tests.worker.material import Collection

CASES = Collection()


def make_derivations(seed: int = 1) -> dict[str, str]:
    """All derivations by name."""
    return {**CALCULATIONS.make(seed), **CASES.make(seed)}


def _divisor(n: int) -> int:
    return next(d for d in range(2, n + 1) if n % d == 0)


@CASES.add
def squares_modulo_eight(chance: random.Random) -> str:
    return "".join(f"Case n = {n}: n^2 = {n * n}, and {n * n} mod 8 = {n * n % 8}. " for n in range(1, 40))


@CASES.add
def cases_in_paragraphs(chance: random.Random) -> str:
    return "".join(
        f"Case {n}: suppose that x leaves the remainder {n} when it is divided by 13. Then x^2 leaves the remainder "
        f"{n * n % 13}, and x^3 leaves {n**3 % 13}. So x^3 - x leaves {(n**3 - n) % 13}.\n\n"
        for n in range(13)
    )


@CASES.add
def checking_one_by_one(chance: random.Random) -> str:
    return "".join(f"x = {n}: {n}^2 - 7·{n} + 10 = {n * n - 7 * n + 10}. Not zero, go on. " for n in range(6, 40))


@CASES.add
def checking_with_words(chance: random.Random) -> str:
    def verdict(n: int) -> str:
        return (
            "which is prime, so we keep it"
            if _divisor(n * n + n + 1) == n * n + n + 1
            else f"which is divisible by {_divisor(n * n + n + 1)}, so we drop it"
        )

    return "".join(f"For n = {n} we get n^2 + n + 1 = {n * n + n + 1}, {verdict(n)}. " for n in range(1, 35))


@CASES.add
def testing_candidates(chance: random.Random) -> str:
    return "".join(
        f"Let us try x = {n}. The left side becomes {3 * n + 5} and the right side becomes "
        f"{n * n - 1}, so they differ. "
        for n in range(1, 30)
    )


@CASES.add
def sums_of_dice(chance: random.Random) -> str:
    return "".join(
        f"Case ({a}, {b}): the sum is {a + b}, {'a hit' if a + b == 7 else 'no hit'}.\n"
        for a, b in product(range(1, 7), repeat=2)
    )


@CASES.add
def triples(chance: random.Random) -> str:
    out, number = [], 0
    for a, b, c in product(range(1, 6), repeat=3):
        if a <= b <= c:
            number += 1
            out.append(f"Case {number} (a={a}, b={b}, c={c}): the sum is {a + b + c}, not 20. Reject. ")
    return "".join(out)


@CASES.add
def products_of_pairs(chance: random.Random) -> str:
    return "".join(
        f"With a = {a} and b = {b} we have a + b = {a + b} and ab = {a * b}, which does not fit. "
        for a, b in product(range(1, 7), repeat=2)
    )


@CASES.add
def a_sieve(chance: random.Random) -> str:
    out, left = [], list(range(2, 120))
    while left and left[0] < 60:
        p = left[0]
        gone = [n for n in left if n % p == 0 and n > p]
        left = [n for n in left if n % p]
        out.append(
            f"The next number is {p}, so it is prime. Cross out its multiples: {', '.join(map(str, gone)) or 'none'}. "
        )
    return "".join(out)


@CASES.add
def primality(chance: random.Random) -> str:
    return "".join(f"{n} is {'prime' if _divisor(n) == n else f'divisible by {_divisor(n)}'}. " for n in range(2, 90))


@CASES.add
def trial_division(chance: random.Random) -> str:
    return "".join(f"{d} does not divide 9973, since 9973 = {9973 // d} · {d} + {9973 % d}. " for d in range(2, 60))


@CASES.add
def trial_division_without_results(chance: random.Random) -> str:
    return " ".join(f"{d} does not." for d in range(2, 40))


@CASES.add
def a_collatz_sequence(chance: random.Random) -> str:
    out, n = [], 27
    while n != 1:
        following = n // 2 if n % 2 == 0 else 3 * n + 1
        out.append(
            f"{n} is {'even, so we halve it' if n % 2 == 0 else 'odd, so we triple it and add one'}: {following}. "
        )
        n = following
    return "".join(out)


@CASES.add
def a_collatz_sequence_in_lines(chance: random.Random) -> str:
    out, n = [], 97
    while n != 1:
        following = n // 2 if n % 2 == 0 else 3 * n + 1
        out.append(f"{n} → {following}\n")
        n = following
    return "".join(out)


@CASES.add
def long_division(chance: random.Random) -> str:
    out, rest = [], 1
    for _ in range(40):
        out.append(
            f"Bring down a zero: {rest * 10}. 97 goes into {rest * 10} {rest * 10 // 97} times, "
            f"remainder {rest * 10 % 97}. "
        )
        rest = rest * 10 % 97
    return "".join(out)


@CASES.add
def the_euclidean_algorithm(chance: random.Random) -> str:
    a, b, out = 832040, 514229, []
    while b:
        out.append(f"{a} = {a // b} · {b} + {a % b}, so the greatest common divisor is also that of {b} and {a % b}. ")
        a, b = b, a % b
    return "".join(out)


@CASES.add
def induction_with_sums(chance: random.Random) -> str:
    return "".join(
        f"For n = {n} the sum 1 + 2 + … + {n} is {n * (n + 1) // 2}, and n(n+1)/2 = {n * (n + 1) // 2} as claimed.\n"
        for n in range(1, 25)
    )


@CASES.add
def induction_over_odd_numbers(chance: random.Random) -> str:
    return "".join(
        f"Adding {2 * n + 1} to {n * n} gives {(n + 1) ** 2}, which is {n + 1} squared. " for n in range(1, 30)
    )


@CASES.add
def a_chain_of_equations(chance: random.Random) -> str:
    return "".join(
        f"= {'(' * 1}{n} + {n + 1})^2 - {n}·{n + 1} = {(2 * n + 1) ** 2 - n * (n + 1)}\n" for n in range(1, 25)
    )


@CASES.add
def a_chain_in_latex(chance: random.Random) -> str:
    return "".join(
        f"&= \\frac{{{n}}}{{{n + 1}}} + \\frac{{1}}{{{(n + 1) * (n + 2)}}} = \\frac{{{n + 1}}}{{{n + 2}}} \\\\\n"
        for n in range(1, 20)
    )


@CASES.add
def divisor_sums(chance: random.Random) -> str:
    def line(n: int) -> str:
        parts = [d for d in range(1, n) if n % d == 0]
        kind = "perfect" if sum(parts) == n else "abundant" if sum(parts) > n else "deficient"
        listed = ", ".join(map(str, parts))
        return f"The proper divisors of {n} are {listed}; their sum is {sum(parts)}, so {n} is {kind}. "

    return "".join(line(n) for n in range(2, 40))


@CASES.add
def leap_years(chance: random.Random) -> str:
    return "".join(
        f"{y} divided by 4 leaves {y % 4}, so {y} is {'a leap year' if y % 4 == 0 else 'an ordinary year'}. "
        for y in range(1981, 2020)
    )


@CASES.add
def remainders_one_by_one(chance: random.Random) -> str:
    return "".join(f"{n} mod 7 = {n % 7}, {'divisible' if n % 7 == 0 else 'not divisible'}. " for n in range(100, 150))


@CASES.add
def remainders_in_sentences(chance: random.Random) -> str:
    return "".join(
        f"If we divide {n} by 9 we get the remainder {n % 9}, so {n} "
        f"{'is' if n % 9 == 0 else 'is not'} a multiple of 9. "
        for n in range(50, 85)
    )


@CASES.add
def parity(chance: random.Random) -> str:
    return "".join(f"n = {n}: {n} is {'even' if n % 2 == 0 else 'odd'}. " for n in range(1, 30))


@CASES.add
def permutations_by_sign(chance: random.Random) -> str:
    def sign(p: tuple[int, ...]) -> int:
        return -1 if sum(p[a] > p[b] for a in range(4) for b in range(a + 1, 4)) % 2 else 1

    return "".join(
        f"The permutation {''.join(map(str, p))} has the sign {sign(p):+d} and contributes {sign(p) * p[0] * p[3]}. "
        for p in permutations((1, 2, 3, 4))
    )


@CASES.add
def a_knapsack(chance: random.Random) -> str:
    return "".join(
        f"With capacity {c} the best value is max({v}, {v + chance.randrange(-3, 4)} + {c}) = "
        f"{v + c}, taking item {chance.randrange(1, 6)}. "
        for c, v in ((c, chance.randrange(10, 99)) for c in range(1, 30))
    )


@CASES.add
def binary_search(chance: random.Random) -> str:
    low, high, out = 0, 100_000, []
    while high - low > 1:
        middle = (low + high) // 2
        less = middle <= 73_911
        out.append(f"low = {low}, high = {high}, middle = {middle}: {'go right' if less else 'go left'}.\n")
        low, high = (middle, high) if less else (low, middle)
    return "".join(out)


@CASES.add
def a_trace_of_a_program(chance: random.Random) -> str:
    total, out = 0, []
    for n in range(1, 35):
        total += n * n % 11
        out.append(f"After pass {n} of the loop, i is {n} and total is {total}. ")
    return "".join(out)


@CASES.add
def interest_by_year(chance: random.Random) -> str:
    return "".join(
        f"After year {n} the balance is {1000 * 1.05**n:.2f}, of which {1000 * 1.05**n - 1000:.2f} is interest. "
        for n in range(1, 25)
    )


@CASES.add
def a_proof_by_letters(chance: random.Random) -> str:
    reasons = [
        "a is even by assumption",
        "b divides a by the lemma",
        "c is a unit",
        "the ideal is principal",
        "the ring is a domain",
        "the map is injective",
        "the sequence splits",
        "the rank is finite",
        "the kernel is trivial",
        "the claim follows",
    ]
    return "".join(f"({n}) We know that {reason}. " for n, reason in enumerate(reasons, 1))


@CASES.add
def cases_by_colour(chance: random.Random) -> str:
    colours = ["red", "green", "blue", "white", "black", "grey", "brown", "pink"]
    return "".join(
        f"If the first ball is {c}, there are {chance.randrange(3, 40)} ways to draw a second ball that is not {c}. "
        for c in colours
    )


@CASES.add
def cases_in_german(chance: random.Random) -> str:
    return "".join(
        f"Fall {n}: Für n = {n} ist n³ - n = {n**3 - n}, und das ist {(n**3 - n) // 6} mal 6. " for n in range(2, 30)
    )


@CASES.add
def cases_in_chinese(chance: random.Random) -> str:
    return "".join(
        f"当n={n}时，n的平方是{n * n}，除以5余{n * n % 5}，所以{'符合' if n * n % 5 == 1 else '不符合'}条件。"
        for n in range(1, 30)
    )


@CASES.add
def cases_in_russian(chance: random.Random) -> str:
    return "".join(
        f"При n = {n} получаем {n * n + 1}, остаток от деления на 7 равен {(n * n + 1) % 7}. " for n in range(1, 30)
    )


@CASES.add
def cases_in_french(chance: random.Random) -> str:
    return "".join(
        f"Pour k = {k}, la somme vaut {k**2 + 3 * k} et le produit vaut {k**3 - 1}, donc on continue. "
        for k in range(1, 28)
    )


@CASES.add
def a_game_tree(chance: random.Random) -> str:
    return "".join(
        f"From a heap of {n} the player can leave {n - 1}, {n - 2} or {n - 3}; so {n} is a "
        f"{'losing' if n % 4 == 0 else 'winning'} position. "
        for n in range(4, 40)
    )


@CASES.add
def a_linear_search_that_ends(chance: random.Random) -> str:
    return "".join(f"x = {n} fails. " for n in range(1, 12)) + "x = 12 works, because 12 · 13 = 156."


@CASES.add
def truth_values_in_prose(chance: random.Random) -> str:
    return "".join(
        f"If p is {p}, q is {q} and r is {r}, then p and q is {p and q}, and the whole formula is "
        f"{(p and q) or r}. ".lower()
        for p, q, r in product((True, False), repeat=3)
    )


@CASES.add
def knights_and_knaves(chance: random.Random) -> str:
    people = (("Ada", "Boris"), ("Boris", "Chandra"), ("Chandra", "Dolores"), ("Dolores", "Ada"))
    kinds = (("knight", "true", "knave"), ("knave", "false", "knight"))
    return "".join(
        f"Suppose {one} is a {kind}. Then the statement of {one} is {value}, so {other} is a {opposite}. "
        for one, other in people
        for kind, value, opposite in kinds
    )


@CASES.add
def signs_on_intervals(chance: random.Random) -> str:
    return "".join(
        f"On the interval ({n}, {n + 1}) the derivative is {'positive' if n % 2 else 'negative'}, so the function is "
        f"{'increasing' if n % 2 else 'decreasing'} there. "
        for n in range(-5, 14)
    )


@CASES.add
def three_balls(chance: random.Random) -> str:
    colours = ("red", "blue", "green")
    return "".join(
        f"If the first ball is {a} and the second is {b}, then the third must be {c}. "
        for a, b in product(colours, repeat=2)
        for c in colours
        if c not in (a, b)
    )


@CASES.add
def a_breadth_first_search(chance: random.Random) -> str:
    return "".join(
        f"Take {n} from the queue. Its neighbours are {2 * n} and {2 * n + 1}; the queue now holds {n + 1}. "
        for n in range(1, 25)
    )


@CASES.add
def towers_of_hanoi(chance: random.Random) -> str:
    return "".join(
        f"Move {n}: disk {(n & -n).bit_length()} goes from peg {'ABC'[(n & n - 1) % 3]} to peg "
        f"{'ABC'[((n | n - 1) + 1) % 3]}.\n"
        for n in range(1, 64)
    )
