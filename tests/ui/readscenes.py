"""Scenes of reading: formulas, tables and code, long thoughts, search, large and small text, high contrast."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from app.chat.changes import Phase, Progress
from app.core.messages import Kind, Message, Part, State
from app.ui.transcript.answer import Answer
from app.ui.transcript.places import Spot
from tests.bench.thoughts import tokens
from tests.ui import samples

if TYPE_CHECKING:
    from app.ui.window import Window
    from tests.ui.stage import StageDesk

SYSTEM = r"""Put \(a=\log_2 x,\; b=\log_2 y,\; c=\log_2 z\). The conditions become a **linear system**:

\[ \left\{\begin{aligned} a-b-c&=\tfrac12\\ -a+b-c&=\tfrac13\\ -a-b+c&=\tfrac14 \end{aligned}\right. \]

Adding pairs gives \(c=-\tfrac{5}{12},\; b=-\tfrac38,\; a=-\tfrac{7}{24}\), so

\[ |4a+3b+2c| = \left|-\frac76-\frac98-\frac56\right| = \frac{25}{8} \implies m+n=\boxed{033} \]
"""
THOUGHT = r"""The user wants a numeric check. From \(a=-\frac{7}{24}\) we get \(x=2^{-7/24}\), and likewise for \(y\) and \(z\).
The sum in general is \(\sum_i w_i\log_2 x_i\) with weights \((4,3,2)\). Use `math.log2`, then compare with 25/8 = 3.125.

Wait — should I worry about rounding? With doubles the error is about \(10^{-16}\), so an `isclose` is enough."""  # noqa: E501
SCRIPT = r"""A four-line script confirms it:

```python
from math import log2, isclose

x, y, z = (2 ** e for e in (-7/24, -3/8, -5/12))
value = abs(4*log2(x) + 3*log2(y) + 2*log2(z))
assert isclose(value, 25/8)      # 3.125
print(f"{value:.4f}")
```

| quantity | exact | decimal |
|---|---|---|
| \(a\) | \(-\tfrac{7}{24}\) | −0.2917 |
| \(4a+3b+2c\) | \(-\tfrac{25}{8}\) | −3.1250 |
"""
EVERYTHING = r"""# A heading

1. First \(x_1\), then
   - [x] a task that is done
   - [ ] one that is not, with `code`
2. Second[^1], see [the page](https://example.org)

> A quote with $\int_0^1 f(x)\,dx$ and *stress*.
> > A quote in it.

\begin{align} f(x) &= (x+1)^2 \\ &= x^2+2x+1 \end{align}

---

~~Wrong~~, and \foo{x} is broken: $\frac{a}{$ and so is \(\frac{1}{\).

$$\sum_{k=1}^{n} a_k b_k + \sum_{k=1}^{n} c_k d_k + \sum_{k=1}^{n} e_k f_k + \sum_{k=1}^{n} g_k h_k + \sum_{k=1}^{n} i_k j_k + \sum_{k=1}^{n} k_k l_k \le \left(\sum a_k^2\right)^{1/2}$$

[^1]: A note with **weight**.
"""  # noqa: E501
WORLD = r"""العربية: إذا كان $x^2=4$ فإن $x=\pm2$ — **مهم** جدا.

עברית: הפתרון הוא $\frac{1}{2}$ בלבד.

中文：面积为 $\frac{1}{2}ab$，所以答案是 84。日本語のテスト、한국어 테스트.

हिन्दी: यदि $a>b$ तो $\sqrt{a}>\sqrt{b}$। ภาษาไทย: ค่า $\pi$

Emoji 🎉🧮👩‍🔬🇫🇷 ✅ and $\alpha\to\beta$.
"""  # noqa: RUF001


def _put(desk: "StageDesk", *turns: tuple[str, tuple[Part, ...]], state: State = State.DONE) -> list[Message]:
    session = desk.sessions[0]
    messages: list[Message] = []
    for question, parts in turns:
        messages.append(samples.ask(session.id, question, messages[-1].id if messages else None))
        whole = samples.answer(messages[-1], "", state=state if len(messages) == 2 * len(turns) - 1 else State.DONE)
        fields = {name: getattr(whole, name) for name in whole.__struct_fields__}
        messages.append(Message(**fields | {"parts": parts}))
    running = Progress(messages[-1].id, Phase.THINKING, reasoning_tokens=312, reasoning_seconds=17.2)
    desk.put(session, messages, running if state is State.RUNNING else None)
    return messages


def mathematics(desk: "StageDesk") -> None:
    """The chat of the design."""
    parts = (Part(Kind.REASONING, THOUGHT), Part(Kind.TEXT, SYSTEM))
    _put(desk, ("Find it.", parts), ("Check it numerically, please.", (parts[0], Part(Kind.TEXT, SCRIPT))))


def everything(desk: "StageDesk") -> None:
    """All that Markdown has."""
    _put(desk, ("Show me **everything**, and $e^{i\\pi}$.", (Part(Kind.TEXT, EVERYTHING),)))


def world(desk: "StageDesk") -> None:
    """Scripts of the world with formulas in them."""
    _put(desk, ("面积是多少", (Part(Kind.TEXT, WORLD),)))


def long_thought(desk: "StageDesk") -> None:
    """40,000 tokens of thought, unfolded, in their middle."""
    _put(desk, ("Why?", (Part(Kind.REASONING, tokens(40_000)), Part(Kind.TEXT, "So."))))


def long_thought_folded(desk: "StageDesk") -> None:
    """The same, folded."""
    long_thought(desk)


def long_thought_running(desk: "StageDesk") -> None:
    """The same, while it goes on."""
    _put(desk, ("Why?", (Part(Kind.REASONING, tokens(40_000)),)), state=State.RUNNING)


def selected(desk: "StageDesk") -> None:
    """A selection over blocks, and the bar of the code under the mouse."""
    mathematics(desk)


def found(desk: "StageDesk") -> None:
    """A search with its hits."""
    mathematics(desk)


def large(desk: "StageDesk") -> None:
    """Text of 200 %."""
    mathematics(desk)


def small(desk: "StageDesk") -> None:
    """Text of 80 %."""
    mathematics(desk)


def contrast(desk: "StageDesk") -> None:
    """High contrast."""
    mathematics(desk)


def _wait(window: "Window", seconds: float = 1.2) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.005)


def _unfold(window: "Window", _desk: "StageDesk") -> None:
    window.toggle_thought()
    _wait(window)
    window.transcript.jump_to_end()


def _to_middle(window: "Window", _desk: "StageDesk") -> None:
    window.toggle_thought()
    bar = window.transcript.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    _wait(window)


def _select(window: "Window", _desk: "StageDesk") -> None:
    _wait(window)
    view = window.transcript
    texts = [turn.text for turn in view.turns if isinstance(turn, Answer) and turn.text is not None]
    view.setFocus()
    view.select(Spot(texts[0], texts[0].source.index("Adding")), Spot(texts[1], texts[1].source.index("value = abs")))
    box = view.rect_of(Spot(texts[1], texts[1].source.index("isclose(")))
    if box is not None:
        view.hover(QPointF(box.center()))


def _find(window: "Window", _desk: "StageDesk") -> None:
    _wait(window)
    window.open_find()
    window.transcript.find_bar.field.setText("a")


def _enlarge(window: "Window", _desk: "StageDesk") -> None:
    for _step in range(5):
        window.resize_text(1)
    _wait(window)


def _reduce(window: "Window", _desk: "StageDesk") -> None:
    for _step in range(3):
        window.resize_text(-1)
    _wait(window)


def _sharpen(window: "Window", _desk: "StageDesk") -> None:
    window.switch_look("high_contrast", to=True)
    _wait(window)


def _look(window: "Window", _desk: "StageDesk") -> None:
    _wait(window)


Act = Callable[["Window", "StageDesk"], None]
SCENES: dict[Callable[["StageDesk"], None], Act] = {
    mathematics: _unfold,
    everything: _look,
    world: _look,
    long_thought: _to_middle,
    long_thought_folded: _look,
    long_thought_running: _look,
    selected: _select,
    found: _find,
    large: _enlarge,
    small: _reduce,
    contrast: _sharpen,
}
