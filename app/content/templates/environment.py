"""The Jinja environment of templates: plain data, a short list of what may be called, and every step charged.

What a template can reach is listed here, and not what it cannot: attributes are those of `METHODS` and the keys of
dicts, calls are those of macros, blocks and these methods, filters those of `filters.py`. What grows is charged to the
guard before it is made: the tree of the template is rewritten so that loops, macros, blocks, lists, slices and joined
texts pass through it.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import BaseLoader, ChainableUndefined, StrictUndefined, TemplateAssertionError, nodes, pass_context
from jinja2.environment import Template, TemplateModule
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, Context, LoopContext, Macro, TemplateReference, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from app.content.templates import filters
from app.content.templates.guard import Guard, LimitError, whole

NO_DATA = "no data"
LONGEST_RANGE = 10_000
MOST_NODES = 10_000
"""Parts of one file, as Jinja counts them: to read more takes too long."""
METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        {
            *("upper", "lower", "title", "capitalize", "casefold", "swapcase", "strip", "lstrip", "rstrip"),
            *(
                "split",
                "rsplit",
                "splitlines",
                "partition",
                "rpartition",
                "startswith",
                "endswith",
                "removeprefix",
                "removesuffix",
            ),
            *("find", "rfind", "count", "isdigit", "isalpha", "isalnum", "isnumeric", "isspace", "isupper"),
            *("islower", "istitle", "replace"),
        }
    ),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"index", "count"}),
    tuple: frozenset({"index", "count"}),
}
_LOOP = frozenset(
    {
        *("index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0"),
        *("previtem", "nextitem", "cycle", "changed"),
    }
)
_CALLED = (Macro, BlockReference, LoopContext, Undefined)


class NoData(ChainableUndefined):
    """What a source that has nothing says: empty, false, `no data` where it is printed, whatever is asked of it."""

    def __str__(self) -> str:
        return NO_DATA

    __repr__ = __str__

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

    def _again(self, *_: Any, **__: Any) -> Any:
        return self

    def _never(self, *_: Any, **__: Any) -> Any:
        return False

    def _zero(self, *_: Any, **__: Any) -> Any:
        return 0

    def _zero_point(self, *_: Any, **__: Any) -> Any:
        return 0.0

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _again
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = _again
    __lt__ = __le__ = __gt__ = __ge__ = _never
    __int__, __float__ = _zero, _zero_point


class Missing(StrictUndefined):
    """A name that there is not: an error wherever it is looked at, also within a list that is printed."""

    __repr__ = StrictUndefined.__str__


class SafeEnvironment(ImmutableSandboxedEnvironment):
    """Fills templates within what a guard allows. Made for one filling."""

    intercepted_binops = frozenset({"+", "-", "*", "**", "%", "/", "//"})

    def __init__(self, loader: BaseLoader, guard: Guard, *, html: bool = False, no_data: str = NO_DATA) -> None:
        super().__init__(
            loader=loader,
            undefined=Missing,
            finalize=self._printed,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=html,
            auto_reload=False,
        )
        self.guard = guard
        self._no_data = no_data
        self.globals = {"range": self._range}
        own: Mapping[str, Callable[..., Any]] = {
            "_kept": guard.made,
            "_joined": self._joined,
            "_spent": self._spent,
        }
        self.filters = {**filters.allowed(self.filters, guard), **own}

    def concat(self, pieces: Iterable[str]) -> str:
        """The pieces of a template, a macro or a block as one text."""
        return self.guard.join(pieces)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A key of a dict, or one of the few attributes that there are."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, NoData):
            return obj
        if isinstance(obj, Undefined):
            return obj[attribute]
        if attribute.startswith("_"):
            raise LimitError("attributes that begin with _ are not for templates", "leave it out")
        if attribute in METHODS.get(type(obj), ()) or (isinstance(obj, LoopContext) and attribute in _LOOP):
            return getattr(obj, attribute)
        if isinstance(obj, tuple) and attribute in ("grouper", "list") and hasattr(obj, attribute):
            return getattr(obj, attribute)
        if isinstance(obj, TemplateModule) and not attribute.startswith("_") and attribute in vars(obj):
            return vars(obj)[attribute]
        if isinstance(obj, TemplateReference) and not attribute.startswith("_"):
            return obj[attribute]
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """An element of a list, a key of a dict, or an attribute."""
        if isinstance(obj, NoData):
            return obj
        if isinstance(obj, (str, list, tuple, dict)):
            try:
                return obj[argument]
            except (TypeError, LookupError):
                pass
        return self.getattr(obj, argument) if isinstance(argument, str) else self.undefined(obj=obj, name=argument)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro, a block, or one of the methods that there are."""
        self.guard.spend(4 + len(args) + len(kwargs))
        if isinstance(obj, _CALLED) or obj == self.globals["range"]:
            return context.call(obj, *args, **kwargs)
        owner = getattr(obj, "__self__", None)
        if isinstance(owner, LoopContext) and isinstance(obj, types.MethodType):
            return context.call(obj, *args, **kwargs)
        if not isinstance(obj, types.BuiltinMethodType) or obj.__name__ not in METHODS.get(type(owner), ()):
            raise SecurityError("this cannot be called in a template")
        if isinstance(owner, str):
            self._text_call(owner, obj.__name__, args)
        return self.guard.made(_listed(context.call(obj, *args, **kwargs)))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic of numbers, texts and lists within bounds."""
        self.guard.spend()
        if isinstance(left, str) or isinstance(right, str):
            if operator == "%":
                raise LimitError("`%` fills no texts in a template", "join them with ~")
            if operator == "*":
                number = right if isinstance(left, str) else left
                if isinstance(number, int):
                    self.guard.room(len(left if isinstance(left, str) else right) * max(0, number))
            elif operator == "+" and isinstance(left, str) and isinstance(right, str):
                self.guard.room(len(left) + len(right))
        elif operator == "*" and (isinstance(left, (list, tuple)) or isinstance(right, (list, tuple))):
            raise LimitError("a list cannot be repeated in a template")
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            self.guard.power(left, right)
        return self.guard.made(super().call_binop(context, operator, left, right))

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        self.guard.spend(len(source))
        tree = super()._parse(source, name, filename)
        if sum(1 for _ in tree.find_all(nodes.Node)) > MOST_NODES:
            what = f"the template has more than the {MOST_NODES:,} expressions, texts and tags that one may have"
            raise TemplateAssertionError(what, tree.lineno, name, filename)
        _Charged(name, filename).visit(tree)
        tree.set_environment(self)
        return tree

    def _load_template(self, name: str, globals: Any) -> Template:  # noqa: A002 - as in Jinja
        self.guard.spend(100)
        return super()._load_template(name, globals)

    def _text_call(self, text: str, method: str, args: tuple[Any, ...]) -> None:
        if method == "replace" and len(args) >= 2 and all(isinstance(arg, str) for arg in args[:2]):
            self.guard.room(filters.replaced_length(text, args[0], args[1]))
        else:
            self.guard.spend(len(text))
            if method.startswith("r") or "strip" in method:
                for arg in args:
                    filters.marks(arg)

    def _printed(self, value: Any) -> Any:
        if value is None or isinstance(value, NoData):
            value = self._no_data
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        elif isinstance(value, int):
            whole(value)
        elif not isinstance(value, (str, float, list, tuple, dict, Undefined, Markup)):
            raise LimitError(f"a {type(value).__name__.lower()} is no text and cannot be printed", "print a text of it")
        self.guard.printed(value)
        return value

    def _range(self, *args: int) -> range:
        made = range(*args)
        if len(made) > LONGEST_RANGE:
            raise LimitError(f"a range of {len(made):,} numbers, at most {LONGEST_RANGE:,} are possible")
        return made

    def _joined(self, parts: list[Any]) -> str:
        return filters.joined(self.guard, map(self._printed, parts), "")

    @pass_context
    def _spent(self, _context: Context, _: Any, units: int) -> str:
        self.guard.spend(units)
        return ""


class _Charged(NodeTransformer):
    """Rewrites a template so that what costs passes through the filters of the environment that charge it."""

    def __init__(self, name: str | None, filename: str | None) -> None:
        self._name, self._filename = name, filename

    def get_visitor(self, node: nodes.Node) -> Any:
        """What rewrites a node of this kind."""
        kind = type(node)
        if kind in (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block, nodes.Template):
            return self._body_charged
        if kind in (nodes.List, nodes.Dict, nodes.Tuple, nodes.Getitem):
            return self._kept
        if kind is nodes.Concat:
            return self._concat
        return self._named if kind is nodes.Name else None

    def _kept(self, node: Any) -> Any:
        self.generic_visit(node)
        if (isinstance(node, nodes.Tuple) and node.ctx != "load") or (
            isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Slice)
        ):
            return node
        return _filtered("_kept", node)

    def _concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filtered("_joined", nodes.List(node.nodes, lineno=node.lineno))

    def _named(self, node: nodes.Name) -> nodes.Node:
        if node.name in ("varargs", "kwargs"):
            what = "macros take the arguments that they name"
            raise TemplateAssertionError(what, node.lineno, self._name, self._filename)
        return node

    def _body_charged(self, node: Any) -> Any:
        # Counted before the rewriting, so that the cost of a template is that of what is written.
        cost = 1 + sum(1 for _ in node.find_all(nodes.Node))
        self.generic_visit(node)
        number = nodes.Const(cost, lineno=node.lineno)
        spent = _filtered("_spent", nodes.Const("", lineno=node.lineno), number)
        node.body.insert(0, nodes.ExprStmt(spent, lineno=node.lineno))
        return node


def _filtered(name: str, node: nodes.Expr, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(args), [], None, None, lineno=node.lineno)


def _listed(value: Any) -> Any:
    """Views of dicts as lists, so that nothing is lazy."""
    return value if isinstance(value, (str, int, float, list, tuple, dict, type(None))) else list(value)
