"""Texts that repeat themselves for good reasons: verse, boilerplate, lists, and the rows of tables and code."""

import random
from itertools import pairwise

from tests.worker.material import Collection
from tests.worker.rows import PEOPLE, ROWS, THINGS, TOWNS, VERBS, join_lines

PROSE = Collection()


def make_texts(seed: int = 1) -> dict[str, str]:
    """All texts by name."""
    return {**ROWS.make(seed), **PROSE.make(seed)}


@PROSE.add
def a_contents_page(chance: random.Random) -> str:
    return join_lines(f"{n}. About the {thing} {'. ' * 25}{n * 7}" for n, thing in enumerate(THINGS, 1))


@PROSE.add
def an_index(chance: random.Random) -> str:
    return join_lines(
        f"{name}, {chance.randrange(200)}, {chance.randrange(200)}, see also {town}"
        for name, town in zip(sorted(PEOPLE * 3), TOWNS * 3, strict=True)
    )


@PROSE.add
def a_licence(chance: random.Random) -> str:
    return join_lines(f"({'abcdefghijk'[n]}) The Licensee shall not {verb} the Work." for n, verb in enumerate(VERBS))


@PROSE.add
def clauses_with_one_duty_each(chance: random.Random) -> str:
    duties = ["keep the premises clean", "pay the rent in advance", "insure the building", "report any damage",
              "admit the landlord on request", "leave the garden as it is", "heat the rooms in winter"]  # fmt: skip
    return join_lines(
        f"{n}. The tenant shall, at the tenant's own expense, {duty}.\n" for n, duty in enumerate(duties, 1)
    )


@PROSE.add
def definitions(chance: random.Random) -> str:
    return join_lines(
        f'"{thing.title()}" means any {thing} delivered under this Agreement, whether in {town} or elsewhere.\n'
        for thing, town in zip(THINGS, TOWNS, strict=True)
    )


@PROSE.add
def a_contract_in_german(chance: random.Random) -> str:
    subjects = ["Kaufpreis", "Liefertermin", "Gerichtsstand", "Eigentumsvorbehalt", "Rücktritt", "Haftung"]
    acts = ["vereinbart", "bestätigt", "ausgeschlossen", "begrenzt", "aufgehoben", "geregelt"]
    return join_lines(
        f"§ {n} {noun}. Der {noun} wird durch diesen Vertrag für beide Parteien {verb}.\n"
        for n, (noun, verb) in enumerate(zip(subjects, acts, strict=True), 1)
    )


@PROSE.add
def a_song_with_a_chorus(chance: random.Random) -> str:
    chorus = (
        "Oh carry me home on the evening tide,\nOh carry me home to the other side,\n"
        "The lamps are lit and the gate is wide,\nOh carry me home on the evening tide.\n\n"
    )
    verses = (
        "I left in the spring when the fields were green,\nThe finest young colt that was ever seen.\n\n",
        "My brother stayed back with the plough and the cow,\nI wonder who milks her and feeds her now.\n\n",
        "The captain was drunk and the mate was a thief,\nWe ran in the dark on the outer reef.\n\n",
    )
    return "".join(verse + chorus for verse in verses)


@PROSE.add
def a_song_that_calls(chance: random.Random) -> str:
    return join_lines([
        "Turn, turn, turn the mill,", "Turn, turn, turn the mill,", "Turn, turn, turn the mill,",
        "Turn the mill, my darling.", "",
        "Let it run, let it run, let it run, let it run,", "Down the valley to the sea.",
        "La la la la la la la la,", "La la la la la,", "No, no, no, no, never again!",
    ])  # fmt: skip


@PROSE.add
def a_song_that_counts_down(chance: random.Random) -> str:
    count = ["seven", "six", "five", "four", "three", "two", "one", "none"]
    return "".join(
        f"{a.title()} white geese a-sitting on the weir,\n{a.title()} white geese a-sitting on the weir,\n"
        f"And if one white goose should take a fright and steer,\nThere'll be {b} white geese "
        f"a-sitting on the weir.\n\n"
        for a, b in pairwise(count)
    )


@PROSE.add
def a_nursery_rhyme(chance: random.Random) -> str:
    pairs = [("cart", "rattle"), ("dog", "woof"), ("bell", "ding"), ("rain", "drip"), ("clock", "tick")]
    return "".join(
        f"The {thing} in the lane goes {s}, {s}, {s},\n{s.title()}, {s}, {s}, {s}, {s}, {s},\n"
        f"The {thing} in the lane goes {s}, {s}, {s},\nAll day long.\n\n"
        for thing, s in pairs
    )


@PROSE.add
def a_litany(chance: random.Random) -> str:
    return join_lines(f"Saint {name} of {town}, stand by us." for name, town in zip(PEOPLE, TOWNS, strict=True))


@PROSE.add
def a_litany_in_latin(chance: random.Random) -> str:
    names = ["Michael", "Gabriel", "Raphael", "Ioannes", "Petrus", "Paulus", "Andreas", "Iacobus", "Thomas"]
    return join_lines(
        ["Kyrie eleison.", "Christe eleison.", "Kyrie eleison.", *(f"Sancte {n}, ora pro nobis." for n in names)]
    )


@PROSE.add
def a_poem_with_anaphora(chance: random.Random) -> str:
    ends = ["the rain that forgets", "the road that remembers", "the stone in the hand", "the bread on the sill",
            "the voice in the hall", "the key under nothing", "the year without snow"]  # fmt: skip
    return join_lines(f"And I was {end}," for end in ends)


@PROSE.add
def a_villanelle(chance: random.Random) -> str:
    a, b = "The river keeps its own account of rain.", "And nothing that it carries comes again."
    middles = ["We built our houses on the level plain,", "The miller counted every sack of grain,",
               "My father mended what he could in vain,", "The ferry waits for neither loss nor gain,"]  # fmt: skip
    return (
        "\n".join(
            f"{middle}\nThe banks grow soft, the willows stand and lean,\n{a if n % 2 else b}\n"
            for n, middle in enumerate(middles)
        )
        + f"\n{a}\n{b}\n"
    )


@PROSE.add
def a_poem_in_french(chance: random.Random) -> str:
    ends = ["du soir", "de la mer", "des enfants", "qui s'en va", "sans retour", "de velours"]
    return join_lines(f"Ô chanson {end}, je t'écoute encore," for end in ends)


@PROSE.add
def a_recipe_with_steps(chance: random.Random) -> str:
    steps = [
        "Peel the onions and cut them into rings.",
        "Melt the butter in a heavy pan.",
        "Add the onions and stir.",
        "Add the flour and stir.",
        "Add the stock and stir.",
        "Let it simmer for an hour.",
        "Add salt and serve.",
    ]
    return join_lines(f"Step {n}: {step}" for n, step in enumerate(steps, 1))


@PROSE.add
def a_timetable(chance: random.Random) -> str:
    return join_lines(
        f"{hour}:{minute:02d}  {town}  platform {chance.randrange(1, 9)}"
        for hour in range(6, 12)
        for minute, town in zip((5, 25, 45), TOWNS, strict=False)
    )


@PROSE.add
def a_questionnaire(chance: random.Random) -> str:
    return join_lines(
        f"{n}. How satisfied are you with the {thing}?\n   ( ) very  ( ) fairly  ( ) not at all"
        for n, thing in enumerate(THINGS, 1)
    )


@PROSE.add
def a_todo_list(chance: random.Random) -> str:
    return join_lines(f"- [ ] Write to {name} about the {thing}" for name, thing in zip(PEOPLE, THINGS, strict=True))


@PROSE.add
def chapters(chance: random.Random) -> str:
    return join_lines(f"- Chapter {n}" for n in range(1, 31))


@PROSE.add
def a_calendar(chance: random.Random) -> str:
    months = []
    for first, days in ((0, 31), (3, 28), (3, 31), (6, 30), (1, 31), (4, 30)):
        cells = ["  "] * first + [f"{day:2d}" for day in range(1, days + 1)]
        months.append(
            "Mo Tu We Th Fr Sa Su\n" + join_lines(" ".join(cells[at : at + 7]) for at in range(0, len(cells), 7))
        )
    return "\n".join(months)


@PROSE.add
def a_dialogue(chance: random.Random) -> str:
    return join_lines(
        f"— Have you seen the {thing}?\n— No, I have not seen the {thing}. Ask {name}."
        for thing, name in zip(THINGS, PEOPLE, strict=True)
    )


@PROSE.add
def a_list_in_chinese(chance: random.Random) -> str:
    return join_lines(
        f"{n}. {a}的首都是{b}。"
        for n, (a, b) in enumerate(
            [
                ("法国", "巴黎"),
                ("德国", "柏林"),
                ("日本", "东京"),
                ("俄国", "莫斯科"),
                ("英国", "伦敦"),
                ("埃及", "开罗"),
                ("西班牙", "马德里"),
            ],
            1,
        )
    )


@PROSE.add
def a_list_in_japanese(chance: random.Random) -> str:
    return join_lines(
        f"{a}は{b}です。"
        for a, b in [("犬", "動物"), ("薔薇", "植物"), ("鉄", "金属"), ("水", "液体"), ("酸素", "気体"), ("富士", "山")]
    )


@PROSE.add
def conjugations(chance: random.Random) -> str:
    verbs = [
        ("parl", "to speak"),
        ("chant", "to sing"),
        ("port", "to carry"),
        ("gard", "to keep"),
        ("montr", "to show"),
    ]
    return join_lines(f"{v}er ({m}): je {v}e, tu {v}es, il {v}e, nous {v}ons, vous {v}ez, ils {v}ent" for v, m in verbs)


@PROSE.add
def a_glossary_of_bits(chance: random.Random) -> str:
    return join_lines(
        f"Bit {n}: set when the {thing} is busy, cleared when it is ready." for n, thing in enumerate(THINGS)
    )


@PROSE.add
def equations_numbered(chance: random.Random) -> str:
    return join_lines(
        f"$$x_{{{n}}} = x_{{{n - 1}}} + {n * n}, \\qquad x_{{{n}}} = {sum(k * k for k in range(n + 1))}$$"
        for n in range(1, 20)
    )
