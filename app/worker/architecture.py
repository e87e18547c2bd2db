"""Which kinds of models mlx_lm has code for, found out without importing it, which takes seconds."""

import ast
import importlib.util
import pkgutil
from functools import cache
from pathlib import Path
from typing import Any

MAPS = ("MODEL_REMAPPING", "MODEL_ARCHITECTURE_REMAPPING")
"""Tables in mlx_lm/utils.py of models that are run by the code of others."""


def is_known(config: dict[str, Any]) -> bool:
    """Whether a configuration names a model that mlx_lm can build."""
    names, types, architectures = _read_tables()
    kind = config.get("model_type")
    if not isinstance(kind, str):
        return False
    named = config.get("architectures")
    listed = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    return types.get(kind, kind) in names or any((kind, str(name)) in architectures for name in listed)


@cache
def _read_tables() -> tuple[frozenset[str], dict[str, str], dict[tuple[str, str], str]]:
    """The modules of mlx_lm.models, and its two tables."""
    spec = importlib.util.find_spec("mlx_lm")
    roots = [Path(root) for root in (spec.submodule_search_locations or [])] if spec else []
    names = frozenset(module.name for module in pkgutil.iter_modules([str(root / "models") for root in roots]))
    tables: dict[str, Any] = {name: {} for name in MAPS}
    for root in roots:
        for statement in ast.parse((root / "utils.py").read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name):
                tables |= {target.id: ast.literal_eval(statement.value)} if target.id in MAPS else {}
    return names, tables[MAPS[0]], tables[MAPS[1]]
