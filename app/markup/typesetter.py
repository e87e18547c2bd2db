"""Typesets formulas in a thread of its own and keeps what came out."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Condition, Lock, Thread, stack_size

from app.core.text import _
from app.markup.drawing import Drawing
from app.markup.formulas import Formula, Refused, clean, definitions
from app.markup.mathjax import THREAD_STACK, MathJax
from app.markup.svg import draw

KEPT = 2000
"""Formulas whose drawings are kept."""
_starting = Lock()
"""The stack size of new threads is a setting of the whole process."""
Outcome = Drawing | Refused


class Typesetter:
    """Answers from what is known, and learns the rest in the background, newest wish first.

    `wake` is called in that thread when something is there to `take` that was not before.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._change = Condition()
        self._known: OrderedDict[Formula, Outcome] = OrderedDict()
        self._wanted: list[Formula] = []
        self._mathml: list[tuple[Formula, Callable[[str], None]]] = []
        self._done: list[Formula] = []
        self._thread: Thread | None = None
        self._closed = False

    def ask(self, formula: Formula) -> Outcome | None:
        """The formula's drawing, or why there is none; None while it is not known, which is being changed."""
        with self._change:
            outcome = self._known.get(formula)
            if outcome is not None:
                self._known.move_to_end(formula)
            elif not self._closed:
                if formula in self._wanted:
                    self._wanted.remove(formula)
                self._wanted.append(formula)
                self._start()
            return outcome

    def ask_mathml(self, formula: Formula, then: Callable[[str], None]) -> None:
        """Call `then` in the background with the formula as MathML, or with nothing where there is none."""
        with self._change:
            if not self._closed:
                self._mathml.append((formula, then))
                self._start()

    def take(self) -> list[Formula]:
        """The formulas that became known since the last time."""
        with self._change:
            done, self._done = self._done, []
            return done

    def close(self) -> None:
        """Learn nothing more; waits until the formula at hand is done."""
        with self._change:
            self._closed = True
            self._wanted.clear()
            self._mathml.clear()
            self._change.notify()
            thread = self._thread
        if thread is not None:
            thread.join(5)

    def _start(self) -> None:
        self._change.notify()
        if self._thread is None:
            self._thread = Thread(target=self._work, name="formulas", daemon=True)
            with _starting:
                before = stack_size(THREAD_STACK)
                try:
                    self._thread.start()
                finally:
                    stack_size(before)

    def _work(self) -> None:
        engine = _Engine()
        while True:
            with self._change:
                while not (self._closed or self._wanted or self._mathml):
                    self._change.wait()
                if self._closed:
                    return
                spoken = self._mathml.pop() if self._mathml else None
                formula = spoken[0] if spoken else self._wanted.pop()
            if spoken is not None:
                spoken[1](engine.mathml(formula))
            else:
                self._keep(formula, engine.draw(formula))

    def _keep(self, formula: Formula, outcome: Outcome) -> None:
        with self._change:
            self._known[formula] = outcome
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            first = not self._done
            self._done.append(formula)
        if first:
            self._wake()


class _Engine:
    """MathJax with the macros of one text at a time."""

    def __init__(self) -> None:
        self._mathjax: MathJax | None = None
        self._prelude: str | None = ""
        """The macros it knows; None where a formula has added some."""

    def draw(self, formula: Formula) -> Outcome:
        """Typeset a formula."""
        try:
            return draw(self._prepare(formula).svg(clean(formula.latex), display=formula.display))
        except Exception as error:  # noqa: BLE001  # one formula must not end the thread that sets all others
            return Refused(_("This formula cannot be shown: {reason}").format(reason=error))

    def mathml(self, formula: Formula) -> str:
        """A formula as MathML; empty where it is none."""
        try:
            return self._prepare(formula).mathml(clean(formula.latex), display=formula.display)
        except Exception:  # noqa: BLE001  # as above
            return ""

    def _prepare(self, formula: Formula) -> MathJax:
        """MathJax with the macros that the formula may use, and no others."""
        if self._mathjax is None:
            self._mathjax = MathJax()
        if self._prelude != formula.prelude:
            self._mathjax.forget_macros()
            self._prelude = formula.prelude
            if formula.prelude:
                try:
                    self._mathjax.svg(formula.prelude, display=False)
                except ValueError:
                    self._mathjax.forget_macros()
        if definitions([formula.latex]):
            self._prelude = None
        return self._mathjax
