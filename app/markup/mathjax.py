"""Runs MathJax 3.2.2 in a small JavaScript engine, within limits of time, memory and stack."""

from importlib.resources import files

import quickjs

COMPONENTS = (
    "startup.js",
    "core.js",
    "adaptors/liteDOM.js",
    "input/tex-full.js",
    "output/svg.js",
    "output/svg/fonts/tex.js",
)
"""Files of MathJax in the order in which each finds what it needs."""
STACK = 4 << 20
"""Bytes of stack it may use. The thread needs far more: the engine counts only its own, and beyond the end of the
thread's stack the process dies."""
THREAD_STACK = 16 << 20
HEAP = 128 << 20
SECONDS = 1.0
LONGEST = 4000
"""Characters of a formula."""
_PACKAGES = (
    "base ams boldsymbol braket cancel cases color enclose gensymb mathtools mhchem newcommand noundefined textmacros "
    "unicode upgreek"
)
"""Extensions of TeX that only typeset: none of them makes links, loads files or writes HTML."""
_BROWSER = """
var window = globalThis, global = globalThis, self = globalThis;
var setTimeout = function () { return 0; }, clearTimeout = function () {};
var console = {log: function () {}, warn: function () {}, error: function () {}};
var texOptions = {packages: PACKAGES, maxMacros: 1000, maxBuffer: 5120,
                  formatError: function (jax, error) { throw error; }};
var MathJax = {loader: {load: [], paths: {mathjax: '.'}, require: function () { return {}; }},
               startup: {typeset: false}, tex: texOptions, svg: {fontCache: 'none'}};
"""
"""What MathJax expects of a browser; its loader has nothing to load."""
_SETUP = """
var parts = MathJax._, dom = parts.adaptors.liteAdaptor.liteAdaptor(), page;
parts.handlers.html_ts.RegisterHTMLHandler(dom);
globalThis.forgetMacros = function () {
  page = parts.mathjax.mathjax.document('', {
    InputJax: new parts.input.tex_ts.TeX(texOptions),
    // without the font, large operators and script letters fail
    OutputJax: new parts.output.svg_ts.SVG({fontCache: 'none', internalSpeechTitles: false,
                                            font: new parts.output.svg.fonts.tex_ts.TeXFont()})});
};
forgetMacros();
var writer = new parts.core.MmlTree.SerializedMmlVisitor.SerializedMmlVisitor();
var options = function (display) { return {display: !!display, em: 16, ex: 8, containerWidth: 1280}; };
var told = function (work) {  // errors of TeX are objects without a text of their own
  try { return work(); } catch (error) { throw error instanceof Error ? error : new Error(error.message); }
};
globalThis.toSvg = function (latex, display) {
  return told(function () { return dom.innerHTML(page.convert(latex, options(display))); });
};
globalThis.toMathml = function (latex, display) {
  var settings = options(display);
  settings.end = parts.core.MathItem.STATE.CONVERT;
  return told(function () { return writer.visitTree(page.convert(latex, settings)); });
};
"""


class MathJax:
    """One engine; it is made and used in one thread, whose stack has `THREAD_STACK` bytes."""

    def __init__(self) -> None:
        root = files("mathjax") / "static" / "mathjax" / "es5"
        self._context = quickjs.Context()
        self._context.set_max_stack_size(STACK)
        self._context.set_memory_limit(HEAP)
        self._context.eval(_BROWSER.replace("PACKAGES", str(_PACKAGES.split())))
        for name in COMPONENTS:
            self._context.eval((root / name).read_text("utf-8"))
        self._context.eval(_SETUP)
        self._to_svg = self._context.get("toSvg")
        self._to_mathml = self._context.get("toMathml")
        self._context.set_time_limit(SECONDS)

    def svg(self, latex: str, *, display: bool) -> str:
        """The formula as SVG; ValueError with MathJax's own words where it cannot, or a limit was reached."""
        if len(latex) > LONGEST:
            raise ValueError("too long")
        try:
            return str(self._to_svg(latex, display))
        except quickjs.JSException as error:
            raise ValueError(_first_line(error)) from error

    def mathml(self, latex: str, *, display: bool) -> str:
        """The formula as MathML; ValueError as above."""
        if len(latex) > LONGEST:
            raise ValueError("too long")
        try:
            return str(self._to_mathml(latex, display))
        except quickjs.JSException as error:
            raise ValueError(_first_line(error)) from error

    def forget_macros(self) -> None:
        """Forget what formulas have defined."""
        self._context.eval("forgetMacros()")


def _first_line(error: Exception) -> str:
    """What MathJax says, without the places in its code."""
    line = str(error).partition("\n")[0].removeprefix("Error: ").strip()
    return line or "MathJax gives no reason"
