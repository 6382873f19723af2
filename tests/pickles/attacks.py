"""Pickles that call `canary.touch`, a function that may be named, without calling it by name.

Each shows one way in which an allowed name calls something: a method looked up in an attribute, an argument that is
called, a text that is run. Some call it as a model of scikit-learn or a table of pandas is filled.
"""

from __future__ import annotations

from opcodes import build, call, dict_of, dtype, joblib_array, list_of, name, new, number, space, text

CANARY = "canary.touch"
TOUCH = name(CANARY)
PARSER = (
    "import canary; canary.touch()\n"
    "def _parse_args(self): return ()\ndef _parse_args_rvs(self): return ()\ndef _parse_args_stats(self): return ()\n"
)
PARSER_IN_DEFAULT = (
    "def _parse_args(self, x=__import__('canary').touch()): return ()\n"
    "def _parse_args_rvs(self): return ()\ndef _parse_args_stats(self): return ()\n"
)
UNIFORM = "scipy.stats._continuous_distns.uniform_gen"
REGRESSION = "sklearn.linear_model._base.LinearRegression"


def twice(value: bytes, **attributes: bytes) -> bytes:
    """Give an instance attributes, and then a second state."""
    return build(build(value, dict_of(**attributes)), text("x"))


PICKLES: dict[str, bytes] = {
    # Attributes that the next opcode looks up.
    "a state sets __setstate__": twice(call("types.SimpleNamespace"), __setstate__=TOUCH),
    "a state sets __setstate__ of an estimator without one": twice(
        new("sklearn.model_selection._split.KFold"), __setstate__=TOUCH,
    ),
    "a state sets __setstate__ of a container": twice(call("collections.OrderedDict"), __setstate__=TOUCH),
    "APPEND of an instance": space(append=TOUCH) + b"Na",
    "APPENDS of an instance": space(append=TOUCH) + b"(Ne",
    "APPENDS by way of extend": space(extend=TOUCH) + b"(Ne",
    "ADDITEMS of an instance": b"\x80\x04" + space(add=TOUCH) + b"(N\x90",
    "APPENDS of an instance in the memo": b"".join((
        call("types.SimpleNamespace"), b"q\x00", dict_of(append=TOUCH), b"b0h\x00(Ne",
    )),
    # Functions that call an argument, or a method of one.
    "a generator's constructor": call("numpy.random._pickle.__generator_ctor", text("x"), TOUCH),
    "a random state's constructor": call("numpy.random._pickle.__randomstate_ctor", text("x"), TOUCH),
    "dict of a mapping": call("builtins.dict", space(keys=TOUCH)),
    "OrderedDict of a mapping": call("collections.OrderedDict", space(keys=TOUCH)),
    "a mapping by way of the reconstructor": call(
        "copyreg._reconstructor", name("sklearn.utils._bunch.Bunch"), name("builtins.dict"), space(keys=TOUCH),
    ),
    "a function that was made": call("functools.partial", TOUCH) + b")R",
    # States whose values are called as an object is filled.
    "a table with a manager of its own": build(new("pandas.DataFrame"), dict_of(
        _typ=text("dataframe"), _mgr=space(set_axis=TOUCH), index=list_of(number(1)),
    )),
    "a version that is printed": build(new(REGRESSION), dict_of(
        _sklearn_version=build(new(REGRESSION), dict_of(get_params=TOUCH, _sklearn_version=text("1"))),
    )),
    "a method of a regression": build(new("sklearn.isotonic.IsotonicRegression"), dict_of(
        X_thresholds_=number(1), y_thresholds_=number(1), _build_f=TOUCH,
    )),
    "a method of a distribution": build(new(UNIFORM), dict_of(_attach_methods=TOUCH)),
    "a text that a distribution runs": build(new(UNIFORM), dict_of(_parse_arg_template=text(PARSER))),
    "a default in a text that a distribution runs": build(
        new(UNIFORM), dict_of(_parse_arg_template=text(PARSER_IN_DEFAULT)),
    ),
    "an object that is closed when it is deleted": build(new("scipy.spatial._qhull.Delaunay"), dict_of(
        _qhull=space(close=TOUCH),
    )),
}
"""For `pickle.load`. Without STOP."""

FILES: dict[str, bytes] = {
    "an array that ends where pickle does not see it": joblib_array(
        b"\x8e" + (len(text("x") + TOUCH)).to_bytes(8, "little"), (9,), dtype("u1"),
    ) + TOUCH + b")R",
    "a wrapper with a method of its own": joblib_array(b"", (1,), dtype("u1"), {"read": TOUCH}),
    "a wrapper with a method of its own, behind its attributes": joblib_array(
        b"", (1,), dtype("u1"), {"safe_get_numpy_array_alignment_bytes": TOUCH},
    ),
}
"""For `joblib.load`. Without STOP."""
