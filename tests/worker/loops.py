"""Loops as models fall into them, made from seeds: what was written before, and the copies one by one."""

# ruff: noqa: RUF001, ISC004 - many scripts, and texts of several lines

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

COPIES = 9
LEADS = {
    "en": "Let us begin with what is given. The train leaves at noon and covers the first leg in two hours. ",
    "fr": "Commençons par ce qui est donné. Le train part à midi et parcourt la première étape en deux heures. ",
    "de": "Beginnen wir mit dem, was gegeben ist. Der Zug fährt mittags ab und braucht zwei Stunden. ",
    "zh": "我们先看已知条件。火车中午出发，两个小时后到达第一站。",
    "ja": "まず与えられた条件を確認しましょう。列車は正午に出発し、二時間後に最初の駅に着きます。",
    "ru": "Начнём с того, что дано. Поезд выходит в полдень и проходит первый участок за два часа. ",
    "ar": "لنبدأ بما هو معطى. يغادر القطار عند الظهر ويقطع المرحلة الأولى في ساعتين. ",
    "es": "Empecemos por los datos. El tren sale a mediodía y recorre el primer tramo en dos horas. ",
}
EXACT: dict[str, tuple[str, str]] = {
    "a sentence": ("en", "I think the answer must be larger than that. "),
    "a doubt": ("en", "Wait, let me check that again. "),
    "a short doubt": ("en", "Hmm, let me think. "),
    "two sentences": ("en", "So the total is 42. But that contradicts the second condition of the problem. "),
    "a paragraph": (
        "en",
        "The first pump fills the tank in six hours, and the second one in four. Together they fill ten parts of "
        "twenty-four in an hour. Hence the tank is full after two hours and twenty-four minutes. However, the drain "
        "is open, so we have to subtract what flows out.\n\n",
    ),
    "a long paragraph": (
        "en",
        "Suppose that the committee has seven members, of whom three are senior. We want to choose a chair, a clerk "
        "and a treasurer, and the chair has to be senior. There are three ways to choose the chair, then six ways to "
        "choose the clerk, and five for the treasurer, which makes ninety. But the treasurer must not be related to "
        "the clerk, and we do not know how many of them are related. Therefore we have to look at the statement "
        "again and find out what it says about relations among the members. The statement says that the committee "
        "has seven members. ",
    ),
    "the middle of a sentence": ("en", "and therefore we find that the sum is even, and "),
    "no punctuation": ("en", "then we turn the wheel once more and then we look at the mark and "),
    "one word": ("en", "the "),
    "two words": ("en", "not so "),
    "marks": ("en", "!"),
    "a line": ("en", "Therefore x is not a solution.\n"),
    "a list item": ("en", "- Check the boundary conditions of the second interval\n"),
    "a heading with text": ("en", "### Conclusion\n\nThe result follows from the lemma above.\n\n"),
    "a formula": ("en", "$$\\frac{a+b}{2} \\geq \\sqrt{ab} \\quad\\text{for all } a, b > 0$$\n"),
    "an equation with words": ("en", "So $x^2 - 5x + 6 = 0$, hence $x = 2$ or $x = 3$. "),
    "a row of a table": ("en", "| Alice | engineer | Berlin | full time |\n"),
    "a line of code": ("en", "    result = compute_total(result, previous_value)\n"),
    "a function": (
        "en",
        "def normalise(values):\n    total = sum(values)\n    return [value / total for value in values]\n\n\n",
    ),
    "code in a fence": ("en", "```python\nfor item in items:\n    process(item)\n    print('processed', item)\n```\n"),
    "French": ("fr", "Attendez, je dois vérifier encore une fois ce calcul. "),
    "French paragraph": (
        "fr",
        "La somme des deux nombres est paire, donc leur différence l'est aussi. Mais cela contredit l'hypothèse. ",
    ),
    "German": ("de", "Moment, das stimmt so noch nicht ganz. "),
    "German paragraph": (
        "de",
        "Die Summe der Winkel beträgt 180 Grad, also bleibt für den dritten Winkel der Rest. Das prüfen wir nach. ",
    ),
    "Chinese": ("zh", "等一下，我们需要再检查一遍这个结果。"),
    "Chinese short": ("zh", "所以答案是十二。"),
    "Japanese": ("ja", "ちょっと待ってください。もう一度計算を確認します。"),
    "Russian": ("ru", "Подождите, нужно ещё раз проверить это равенство. "),
    "Arabic": ("ar", "انتظر، يجب أن أتحقق من هذه النتيجة مرة أخرى. "),
    "Spanish": ("es", "Espera, tengo que comprobar otra vez este resultado. "),
    "an answer in a box": ("en", "**Final Answer**\n\n\\boxed{42}\n\n"),
    "an apology": ("en", "I am sorry for the confusion. Let me correct that. The correct answer is 42.\n\n"),
    "emoji": ("en", "Great question, let us solve it together! 🎉🚀 "),
}
COUNTING: dict[str, tuple[str, str]] = {
    "steps": ("en", "Step {n}: Check whether the condition of the problem is satisfied. "),
    "steps on lines": ("en", "Step {n}: Verify the result of the previous step.\n"),
    "steps with the last one": ("en", "Step {n}: As in step {m}, we look at the equation once more and simplify. "),
    "list items": ("en", "- Item {n}: make sure that every box has been closed\n"),
    "numbered list": ("en", "{n}. We check the boundary condition again and find that it holds.\n"),
    "attempts": ("en", "Attempt {n}. Let me go back to the beginning and read the problem carefully. "),
    "headings": ("en", "### Iteration {n}\n\nWe apply the same argument as before to the remaining part.\n\n"),
    "a long copy": (
        "en",
        "In round {n} we take the list again and go through it from the left to the right. Every pair that stands "
        "in the wrong order is exchanged, and we note that an exchange took place. When we come to the end we begin "
        "again, because the list is not yet sorted after round {n}. This is not yet the answer, so we continue. ",
    ),
    "a formula with an index": (
        "en",
        "Using the recurrence we get $a_{{{n}}} = a_{{{m}}} + d$, which gives the next term of the sequence. ",
    ),
    "a displayed formula": (
        "en",
        "$$S_{{{n}}} = \\sum_{{k=1}}^{{{n}}} \\frac{{1}}{{k(k+1)}} + R_{{{n}}}, \\qquad R_{{{n}}} \\to 0$$\n",
    ),
    "slowly changing": ("en", "The estimate is now 0.41{n}, which is still a little too low, so we go on. "),
    "slowly falling": ("en", "After iteration {n} the error is {error}, so we still have to continue with the loop. "),
    "no punctuation": ("en", "then comes case {n} which is handled in the same way as the last one and "),
    "French": ("fr", "Étape {n} : vérifions encore une fois que la condition est bien remplie. "),
    "German": ("de", "Schritt {n}: Wir prüfen noch einmal, ob die Bedingung wirklich erfüllt ist. "),
    "Chinese": ("zh", "第{n}步：我们再次检查条件是否满足。"),
    "Japanese": ("ja", "ステップ{n}：もう一度、条件が満たされているかどうかを確認します。"),
    "Russian": ("ru", "Шаг {n}: проверим ещё раз, выполняется ли условие задачи. "),
    "Arabic": ("ar", "الخطوة {n}: نتحقق مرة أخرى من أن الشرط محقق. "),
    "short steps": ("en", "Let me check case {n}. "),
    "trials": ("en", "Let me try x = {n}. That does not work. "),
    "a row of a table": ("en", "| {n} | check the value again | still not correct |\n"),
    "a percentage": ("en", "The accuracy rose to 91.{n}% after this round of training. "),
    "pages": ("en", "See page {n} of the report for the details of the audit that was carried out last year.\n\n"),
    "question and answer": ("en", "Q{n}: Is the door locked? A{n}: Yes, the door is locked and the key is gone.\n"),
}
REWORDED: dict[str, tuple[str, str]] = {
    "a doubt and its reason": (
        "en",
        "[Wait|Hold on|Hmm], [let me check|let me verify|I should check] [this|that] [again|once more], because "
        "the sum of the digits has to be divisible by nine. ",
    ),
    "a paragraph": (
        "en",
        "[But|However,|Still,] the number of edges is twice the number of triangles, and each triangle has three "
        "corners. [So|Thus|Hence] the degree of each vertex [must|has to] be even, and the walk exists. [Wait|Hmm], "
        "that is not [quite|exactly] what was asked, so I [need to|have to|must] read the statement again. ",
    ),
    "an order that changes": (
        "en",
        "[Since the box is empty, we have to open the next one and look inside it. |"
        "We have to open the next one and look inside it, since the box is empty. ]",
    ),
    "a claim": (
        "en",
        "[Therefore|So|Hence|Thus] the [answer|result|value] is the length of the shorter side of the rectangle, "
        "and that is [what we wanted|what was asked|the claim]. ",
    ),
    "two sentences": (
        "en",
        "[Actually|Well|Hmm], the speed of the boat is measured against the water, not against the shore. "
        "[Let me redo|I will redo|Let me repeat] the [computation|calculation] with that in mind. ",
    ),
    "a long paragraph": (
        "en",
        "[Now|Next] consider the case where the first card is red. [Then|In this case] the second card may be red or "
        "black, and we have to treat both of these [possibilities|cases|options] one after the other. If the second "
        "card is red as well, then only [few|some] red cards remain, and the probability becomes [smaller|lower]. If "
        "it is black, the probability of a third red card is [larger|higher|greater]. [Adding|Summing] both, we "
        "arrive at the total, [which|and this] is the same as before. [So something|Thus something] must be wrong "
        "with the way in which we treat the first card, and we [start|begin] from there again. ",
    ),
    "a self correction": (
        "en",
        "[No, wait|Wait, no|Hmm, no]. The problem says that the [two|both] circles touch each other from the inside, "
        "so the distance of their centres is the difference of the radii. ",
    ),
    "list items": (
        "en",
        "- [Make sure|Be sure|Ensure] that the lid of the container is closed [tightly|firmly|properly] before you "
        "turn the handle\n",
    ),
    "with a counter": (
        "en",
        "Step {n}: [check|verify|test] whether the sum of the two sides is [still|again] larger than the third side "
        "of the triangle. ",
    ),
    "French": (
        "fr",
        "[Attendez|Un instant|Voyons], [il faut|je dois|on doit] vérifier que la somme des chiffres est bien "
        "divisible par neuf avant de continuer. ",
    ),
    "German": (
        "de",
        "[Moment|Warte|Halt], [ich muss|wir müssen] noch einmal prüfen, ob die Quersumme der Zahl wirklich durch "
        "neun teilbar [ist|bleibt]. ",
    ),
    "Chinese": ("zh", "[等等|等一下|不对]，我们[需要|应该|得]重新检查一下这个数字的各位之和是不是能被九整除。"),
    "Japanese": (
        "ja",
        "[待って|いや|うーん]、この数の各桁の和が九で割り切れるかどうかを、もう一度[確認|検算|計算]する必要があります。",
    ),
    "Russian": (
        "ru",
        "[Подождите|Постойте|Стоп], [нужно|надо] ещё раз проверить, делится ли сумма цифр этого числа на девять "
        "без остатка. ",
    ),
    "Arabic": (
        "ar",
        "[انتظر|لحظة|مهلا]، [يجب|ينبغي] أن أتحقق مرة أخرى من أن مجموع أرقام هذا العدد يقبل القسمة على تسعة. ",
    ),
    "no order at all": (
        "en",
        "[The cat sat on the mat and looked at the dog in the garden. |"
        "In the garden, the cat sat on the mat and looked at the dog. |"
        "On the mat sat the cat and looked at the dog in the garden. ]",
    ),
    "a filler now and then": (
        "en",
        "[|Hmm. |Right. ]The triangle has a right angle at the corner where the two streets meet, and the longer "
        "street is its longest side. [|Okay. ]",
    ),
}
TURNS: dict[str, tuple[str, ...]] = {
    "two sentences": (
        "If the light is green, the first door must be open. ",
        "But if the first door is open, the light cannot be green. ",
    ),
    "two paragraphs": (
        "Let us assume that the coin is fair. Then both sides come up equally often in the long run.\n\n",
        "Let us assume that the coin is not fair. Then one side comes up more often than the other.\n\n",
    ),
    "yes and no": ("Yes, the set is closed under addition. ", "No, the set is not closed under addition. "),
    "three lines": ("Is it prime? We do not know.\n", "Is it even? We do not know.\n", "Is it odd? We do not know.\n"),
}
COUNTED_TURNS: dict[str, tuple[str, ...]] = {
    "trial and rejection": (
        "Trial {n}: we take the left branch of the tree. ",
        "The left branch leads nowhere, so trial {n} has failed. ",
    ),
    "three sentences": (
        "We come to node {n}. ",
        "The node has been visited before. ",
        "So we mark it and move on to the next node. ",
    ),
}


@dataclass(frozen=True)
class Case:
    """One loop: what stands before it, and its copies."""

    name: str
    before: str
    copies: tuple[str, ...]
    exact: bool

    @property
    def text(self) -> str:
        return self.before + "".join(self.copies)


def make_loops(seed: int = 1) -> list[Case]:
    """All loops, in an order in which every second one is of each kind."""
    chance = random.Random(seed)
    cases = [
        *_make("exact", EXACT, lambda text, _at: text, exact=True),
        *_make("counting", COUNTING, _count(chance), exact=False),
        *_make("reworded", REWORDED, lambda text, at: _reword(text, at, chance), exact=False),
        *_make_turns("turns", TURNS, exact=True),
        *_make_turns("counted turns", COUNTED_TURNS, exact=False),
    ]
    assert len({case.name for case in cases}) == len(cases)
    return cases


def _make(
    kind: str, table: dict[str, tuple[str, str]], fill: Callable[[str, int], str], *, exact: bool
) -> Iterator[Case]:
    for name, (language, text) in table.items():
        many = COPIES if len(text) > 12 else 80
        yield Case(f"{kind}: {name}", LEADS[language], tuple(fill(text, at) for at in range(many)), exact)


def _make_turns(kind: str, table: dict[str, tuple[str, ...]], *, exact: bool) -> Iterator[Case]:
    for name, parts in table.items():
        copies = tuple("".join(part.format(n=at + 5) for part in parts) for at in range(COPIES))
        yield Case(f"{kind}: {name}", LEADS["en"], copies, exact)


def _count(chance: random.Random) -> Callable[[str, int], str]:
    start = chance.randrange(7, 40)

    def fill(text: str, at: int) -> str:
        return text.format(n=start + at, m=start + at - 1, error=f"{0.0312 - at * 0.0002:.4f}")

    return fill


def _reword(text: str, at: int, chance: random.Random) -> str:
    """One wording: of each [a|b|c] one is chosen, of two in turn."""
    parts = text.replace("]", "[").split("[")
    chosen = [_choose(part.split("|"), at, chance) if "|" in part else part for part in parts]
    return "".join(chosen).replace("{n}", str(at + 5))


def _choose(choices: Sequence[str], at: int, chance: random.Random) -> str:
    if len(choices) == 2:
        return choices[at % 2]
    return choices[chance.randrange(len(choices))]
