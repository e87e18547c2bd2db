"""Tables, numbers, records, code and drawings: rows that resemble each other."""

# ruff: noqa: RUF001 - the sign for "or"

import json
import random
from collections.abc import Iterable

from tests.worker.material import Collection

ROWS = Collection()
PEOPLE = ["Ada", "Boris", "Chandra", "Dolores", "Emil", "Fatima", "Goran", "Hilde", "Ivo", "Jun", "Kofi", "Lena"]
TOWNS = ["Aarau", "Bergen", "Cork", "Delft", "Essen", "Faro", "Graz", "Hobart", "Izmir", "Jena", "Kyoto", "Lille"]
THINGS = ["pump", "valve", "lamp", "wheel", "ladder", "hinge", "bolt", "crate", "rope", "anvil", "kettle", "bench"]
VERBS = ["copy", "sell", "lease", "modify", "translate", "publish", "merge", "rent", "lend", "decompile", "assign"]


def join_lines(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


@ROWS.add
def a_multiplication_table_injoin_lines(chance: random.Random) -> str:
    return join_lines(f"{a} × {b} = {a * b}" for a in range(2, 10) for b in range(1, 11))


@ROWS.add
def a_multiplication_table_in_markdown(chance: random.Random) -> str:
    head = ["| × | " + " | ".join(map(str, range(1, 11))) + " |", "|" + "---|" * 11]
    return join_lines(
        [*head, *(f"| {a} | " + " | ".join(str(a * b) for b in range(1, 11)) + " |" for a in range(1, 13))]
    )


@ROWS.add
def seven_times_spoken(chance: random.Random) -> str:
    return join_lines(f"{n} times 7 is {n * 7}." for n in range(1, 21))


@ROWS.add
def a_truth_table(chance: random.Random) -> str:
    rows = [[bool(at >> bit & 1) for bit in range(4)] for at in range(16)]
    cells = (["T" if value else "F" for value in [*row, row[0] and row[1], row[2] or row[3]]] for row in rows)
    return join_lines(
        ["| A | B | C | D | A∧B | C∨D |", "|---|---|---|---|---|---|", *(f"| {' | '.join(r)} |" for r in cells)]
    )


@ROWS.add
def a_truth_table_in_latex(chance: random.Random) -> str:
    rows = [f"{a} & {b} & {c} & {a & b | c} \\\\ \\hline" for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    return join_lines(["\\begin{tabular}{|c|c|c|c|}", "\\hline", *rows, "\\end{tabular}"])


@ROWS.add
def a_matrix_of_zeros(chance: random.Random) -> str:
    return join_lines(["[" + ", ".join("1" if a == b else "0" for b in range(12)) + "]" for a in range(12)])


@ROWS.add
def zeros_in_latex(chance: random.Random) -> str:
    return "\\begin{pmatrix}\n" + " \\\\\n".join([" & ".join("0" * 9)] * 9) + "\n\\end{pmatrix}\n"


@ROWS.add
def a_long_fraction(chance: random.Random) -> str:
    return "One third is 0." + "3" * 120 + "… and one seventh is 0." + "142857" * 15 + "…\n"


@ROWS.add
def digits_of_a_number(chance: random.Random) -> str:
    return " ".join("".join(chance.choices("0123456789", k=5)) for _ in range(200))


@ROWS.add
def powers_of_two(chance: random.Random) -> str:
    return join_lines(f"2^{n} = {2**n}" for n in range(1, 65))


@ROWS.add
def a_list_of_primes(chance: random.Random) -> str:
    return "The primes are " + ", ".join(str(n) for n in range(2, 900) if all(n % d for d in range(2, n))) + "."


@ROWS.add
def numbers_one_a_line(chance: random.Random) -> str:
    return join_lines(str(n) for n in range(1, 301))


@ROWS.add
def squares_in_words(chance: random.Random) -> str:
    return join_lines(f"The square of {n} is {n * n}." for n in range(1, 41))


@ROWS.add
def a_bill_of_materials(chance: random.Random) -> str:
    return join_lines(
        f"{at}. {thing.title()}: {chance.randrange(1, 90)} pieces" for at, thing in enumerate(THINGS * 2, 1)
    )


@ROWS.add
def comma_separated_values(chance: random.Random) -> str:
    rows = (f"{n},{chance.choice(PEOPLE)},{chance.choice(TOWNS)},{chance.randrange(20, 60)},active" for n in range(60))
    return join_lines(["id,name,town,age,state", *rows])


@ROWS.add
def a_sparse_sheet(chance: random.Random) -> str:
    return join_lines(",".join("" if chance.random() < 0.9 else "x" for _ in range(12)) for _ in range(40))


@ROWS.add
def measurements_every_minute(chance: random.Random) -> str:
    return join_lines(f"12:{minute:02d}\t{20 + chance.random():.2f}\t1013\tok" for minute in range(60))


@ROWS.add
def a_heartbeat_log(chance: random.Random) -> str:
    return join_lines(
        f"2024-03-05 08:{n // 60:02d}:{n % 60:02d} INFO monitor: heartbeat ok, 0 jobs waiting" for n in range(90)
    )


@ROWS.add
def a_server_log(chance: random.Random) -> str:
    def line(n: int) -> str:
        item, size = chance.randrange(999), chance.randrange(9999)
        return f'10.0.0.{chance.randrange(9)} - - [05/Mar/2024:08:00:{n:02d}] "GET /item/{item}" 200 {size}'

    return join_lines(line(n) for n in range(60))


@ROWS.add
def a_build_log(chance: random.Random) -> str:
    return join_lines(
        f"[{n}/40] Compiling {chance.choice(THINGS)}_{chance.choice(TOWNS).lower()}.c" for n in range(1, 41)
    )


@ROWS.add
def a_test_run(chance: random.Random) -> str:
    return join_lines(f"tests/test_{thing}.py::test_{verb} PASSED" for thing in THINGS[:6] for verb in VERBS)


@ROWS.add
def equal_records_in_json(chance: random.Random) -> str:
    return json.dumps([{"x": 0, "y": 0, "visible": True}] * 10, indent=2)


@ROWS.add
def records_with_ids_in_json(chance: random.Random) -> str:
    return json.dumps([{"id": n, "kind": "sensor", "unit": "celsius", "active": True} for n in range(30)], indent=1)


@ROWS.add
def people_in_json(chance: random.Random) -> str:
    return json.dumps([{"name": name, "town": town, "age": 30} for name, town in zip(PEOPLE, TOWNS, strict=True)])


@ROWS.add
def inserts_in_sql(chance: random.Random) -> str:
    return join_lines(
        f"INSERT INTO person (id, name, town) VALUES ({n}, '{chance.choice(PEOPLE)}', '{chance.choice(TOWNS)}');"
        for n in range(40)
    )


@ROWS.add
def inserts_of_numbers_in_sql(chance: random.Random) -> str:
    return join_lines(f"INSERT INTO slot (id, state, owner) VALUES ({n}, 'free', NULL);" for n in range(1, 41))


@ROWS.add
def tables_in_sql(chance: random.Random) -> str:
    return join_lines(
        f"CREATE TABLE {thing} (\n  id INTEGER PRIMARY KEY,\n  name TEXT NOT NULL,\n  created REAL NOT NULL\n);"
        for thing in THINGS
    )


@ROWS.add
def asserts(chance: random.Random) -> str:
    return "def test_square():\n" + join_lines(f"    assert square({n}) == {n * n}" for n in range(30))


@ROWS.add
def asserts_without_results(chance: random.Random) -> str:
    return "def test_even():\n" + join_lines(f"    self.assertTrue(is_even({n}))" for n in range(0, 60, 2))


@ROWS.add
def test_functions(chance: random.Random) -> str:
    return join_lines(
        f"def test_{verb}_is_refused(client):\n    answer = client.post('/{verb}', json={{}})\n"
        f"    assert answer.status == 403\n\n"
        for verb in VERBS
    )


@ROWS.add
def getters_in_java(chance: random.Random) -> str:
    return join_lines(
        f"    public String get{thing.title()}() {{\n        return this.{thing};\n    }}\n" for thing in THINGS
    )


@ROWS.add
def a_switch_in_c(chance: random.Random) -> str:
    return join_lines(
        f"    case {n}:\n        handle_{thing}(state);\n        break;" for n, thing in enumerate(THINGS)
    )


@ROWS.add
def closing_brackets(chance: random.Random) -> str:
    depth = range(12)
    return join_lines([*("  " * n + "<div>" for n in depth), *("  " * n + "</div>" for n in reversed(depth))])


@ROWS.add
def a_fenced_script(chance: random.Random) -> str:
    body = join_lines(f'echo "copying part {n}"\ncp part{n}.bin /mnt/target/part{n}.bin' for n in range(1, 16))
    return f"Run this:\n\n```sh\n{body}```\n\nThen restart the machine.\n"


@ROWS.add
def settings_in_ini(chance: random.Random) -> str:
    return join_lines(
        f"[{town.lower()}]\nhost = {town.lower()}.example\nport = 8080\nsecure = true\n" for town in TOWNS
    )


@ROWS.add
def a_style_sheet(chance: random.Random) -> str:
    return join_lines(f".column-{n} {{\n  width: {100 * n / 12:.2f}%;\n  float: left;\n}}" for n in range(1, 13))


@ROWS.add
def assembler(chance: random.Random) -> str:
    return join_lines(["start:", *["    nop"] * 14, *(f"    mov r{n}, #0" for n in range(12)), "    ret"])


@ROWS.add
def a_hex_dump(chance: random.Random) -> str:
    return join_lines(f"{n * 16:08x}  " + "00 " * 16 + " |................|" for n in range(14))


@ROWS.add
def a_gene(chance: random.Random) -> str:
    return join_lines("".join(chance.choices("ACGT", k=60)) for _ in range(30))


@ROWS.add
def rules(chance: random.Random) -> str:
    return f"{'=' * 78}\nREPORT\n{'=' * 78}\n\n{'-' * 78}\nSection\n{'-' * 78}\n\n{'~' * 40}\n{'*' * 60}\n"


@ROWS.add
def a_drawing(chance: random.Random) -> str:
    inside = [f"|{' ' * 30}|"] * 8
    return join_lines(["+" + "-" * 30 + "+", *inside, "+" + "-" * 30 + "+", *("/" + "\\/" * 15 for _ in range(5))])


@ROWS.add
def a_chessboard(chance: random.Random) -> str:
    return join_lines(
        ["r n b q k b n r", "p p p p p p p p", *[". . . . . . . ."] * 4, "P P P P P P P P", "R N B Q K B N R"]
    )


@ROWS.add
def a_game_of_chess(chance: random.Random) -> str:
    squares = [f"{file}{rank}" for file in "abcdefgh" for rank in range(1, 9)]
    moves = [chance.choice(["", "N", "B", "R", "Q"]) + chance.choice(squares) for _ in range(120)]
    return (
        " ".join(f"{n}. {moves[2 * n]} {moves[2 * n + 1]}" for n in range(1, 60))
        + " Ng1 Ng8 Nf3 Nf6 Ng1 Ng8 Nf3 Nf6 ½–½\n"
    )
