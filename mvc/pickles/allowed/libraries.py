"""What pickles may do with names of PyTorch, SciPy, scikit-learn, pandas, and libraries of boosted trees.

Classes without a `__setstate__`, and functions, are in `names.txt`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mvc.pickles.allowed.kinds import (
    ANY,
    ARRAY,
    CONTAINER,
    DISTRIBUTION,
    GENERATOR,
    MADE_TYPE,
    METHOD,
    NAME,
    NUMBERS,
    OBJECT,
    REBUILDER,
    TABLE,
    TABLES,
    TENSOR,
    TENSOR_TYPE,
    TENSORS,
    TORCH,
    TYPE,
    VALUE,
)
from mvc.pickles.allowed.tables import CLASS, Entry, rows

_TORCH_TYPES = (
    "bfloat16 bits16 bits8 bool cdouble cfloat chalf complex128 complex32 complex64 double float float16 float32 "
    "float64 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu half int int16 int32 int64 int8 "
    "long qint32 qint8 quint4x2 quint8 short strided sparse_coo sparse_csr per_tensor_affine uint16 uint32 uint64 uint8"
)
_STORAGES = (
    "BFloat16 Bool Byte Char ComplexDouble ComplexFloat Double Float Half Int Long QInt32 QInt8 QUInt4x2 QUInt8 Short "
    "Typed Untyped"
)
_REBUILT = (
    "device_tensor_from_cpu_tensor device_tensor_from_numpy meta_tensor_no_storage nested_tensor parameter "
    "parameter_with_state qtensor sparse_csr_tensor sparse_tensor tensor tensor_v2 tensor_v3 wrapper_subclass"
)
_CONTINUOUS = (
    "alpha anglit arcsine argus beta betaprime bradford burr burr12 cauchy chi chi2 cosine crystalball dgamma "
    "dpareto_lognorm dweibull erlang expon exponnorm exponpow exponweib f fatiguelife fisk foldcauchy foldnorm gamma "
    "gausshyper genexpon genextreme gengamma genhalflogistic genhyperbolic geninvgauss genlogistic gennorm genpareto "
    "gibrat gompertz gumbel_l gumbel_r halfcauchy halfgennorm halflogistic halfnorm hypsecant invgamma invgauss "
    "invweibull irwinhall jf_skew_t johnsonsb johnsonsu kappa3 kappa4 ksone kstwo kstwobign landau laplace "
    "laplace_asymmetric levy levy_l loggamma logistic loglaplace lognorm lomax maxwell mielke moyal nakagami ncf nct "
    "ncx2 norm norminvgauss pareto pearson3 powerlaw powerlognorm powernorm rayleigh rdist recipinvgauss reciprocal "
    "rel_breitwigner rice semicircular skewcauchy skewnorm studentized_range t trapezoid triang truncexpon truncnorm "
    "truncpareto truncweibull_min tukeylambda uniform vonmises wald weibull_max weibull_min wrapcauchy"
)
_DISCRETE = (
    "bernoulli betabinom betanbinom binom boltzmann dlaplace geom hypergeom logser nbinom nchypergeom_fisher "
    "nchypergeom_wallenius nhypergeom planck poisson poisson_binom randint skellam yulesimon zipf zipfian"
)
_SYSTEMS = " ".join(
    f"{form}{time}"
    for form in ("StateSpace", "TransferFunction", "ZerosPolesGain") for time in ("Continuous", "Discrete")
)
_PIECEWISE = frozenset(b"_c _x c x extrapolate axis _asarray".split())
_POINTWISE = frozenset(b"_y_axis _y_extra_shape dtype".split())
_LOSSES = "AbsoluteError ExponentialLoss HalfBinomialLoss HalfGammaLoss HalfPoissonLoss HalfSquaredError"
_LOSSES_OF_A_NUMBER = "HalfTweedieLoss HalfTweedieLossIdentity HuberLoss PinballLoss"
_GRADIENT_LOSSES = (
    "EpsilonInsensitive Hinge Huber Log LossFunction ModifiedHuber SquaredEpsilonInsensitive SquaredHinge SquaredLoss"
)
_DISTANCES = (
    "BrayCurtis Canberra Chebyshev Dice Euclidean Hamming Haversine Jaccard Kulsinski Mahalanobis Manhattan Matching "
    "Minkowski RogersTanimoto RussellRao SEuclidean SokalMichener SokalSneath WMinkowski"
)


def entries() -> Iterator[tuple[str, Entry]]:
    """Yield all of them."""
    yield from _torch()
    yield from _distributions()
    yield from _scipy()
    yield from _sklearn()
    yield from _pandas()
    yield from _boosting()


def _torch() -> Iterator[tuple[str, Entry]]:
    yield from rows(Entry(TORCH), "torch", _TORCH_TYPES)
    yield from rows(Entry(TYPE, VALUE, call=VALUE), "torch", "Size")
    yield from rows(Entry(TORCH, TORCH, call=0), "torch", "device")
    yield from rows(Entry(TORCH), "torch", " ".join(f"{name}Storage" for name in _STORAGES.split()))
    yield from rows(Entry(TORCH), "torch.storage", " ".join(f"{name}Storage" for name in _STORAGES.split()))
    rebuilt = " ".join(f"_rebuild_{name}" for name in _REBUILT.split())
    yield from rows(Entry(REBUILDER, TENSOR, call=TENSORS), "torch._utils", rebuilt)
    of_type = Entry(result=TENSOR, call=TENSORS | REBUILDER)
    yield from rows(of_type, "torch._tensor", "_rebuild_from_type _rebuild_from_type_v2")
    yield from rows(Entry(TENSOR_TYPE), "torch", "Tensor")
    yield from rows(Entry(TENSOR_TYPE, TENSOR, call=TENSORS), "torch.nn.parameter", "Buffer Parameter")
    yield from rows(Entry(TORCH, TORCH, call=0), "torch.serialization", "_get_layout")
    yield from rows(Entry(TYPE, VALUE, call=0, new=0), "torch.torch_version", "TorchVersion")
    built = "build_boollist build_doublelist build_intlist build_tensor_from_id build_tensorlist restore_type_tag"
    yield from rows(Entry(result=TENSOR, call=TENSORS), "torch.jit._pickle", built)


def _distributions() -> Iterator[tuple[str, Entry]]:
    """`__setstate__` runs a text of the state as code: `pickles.states` checks that it is SciPy's."""
    entry = Entry(
        NAME, DISTRIBUTION, new=0, form="distribution", state=GENERATOR | NUMBERS | METHOD,
        methods=frozenset({b"_entropy"}),
    )
    for module, names in (("_continuous_distns", _CONTINUOUS), ("_discrete_distns", _DISCRETE)):
        yield from rows(entry, f"scipy.stats.{module}", " ".join(f"{name}_gen" for name in names.split()))
    yield from rows(entry, "scipy.stats._continuous_distns", "rv_histogram")
    yield from rows(entry, "scipy.stats._levy_stable", "levy_stable_gen")
    yield from rows(entry, "scipy.stats._distn_infrastructure", "rv_sample")


def _scipy() -> Iterator[tuple[str, Entry]]:
    numeric = Entry(NAME, ARRAY, new=0, form="tuple", state=NUMBERS)
    for name in ("spatial._ckdtree.cKDTree", "spatial.ckdtree.cKDTree", "spatial._kdtree.KDTree",
                 "spatial.transform._rotation.Rotation"):
        yield f"scipy.{name}", numeric
    yield "scipy.interpolate._rbfinterp.RBFInterpolator", numeric._replace(result=OBJECT, state=NUMBERS | TYPE)
    for kind in ("bsr", "coo", "csc", "csr", "dia", "lil"):
        yield f"scipy.sparse.{kind}.{kind}_matrix", CLASS
    yield from rows(CLASS, "scipy.signal._ltisys", _SYSTEMS)
    hull = Entry(NAME, OBJECT, new=0, form="dict", state=NUMBERS)
    yield from rows(hull, "scipy.spatial._qhull", "ConvexHull Delaunay HalfspaceIntersection Voronoi")
    yield from rows(hull, "scipy.spatial.qhull", "ConvexHull Delaunay HalfspaceIntersection Voronoi")
    for name in ("dok_array", "dok_matrix"):
        yield f"scipy.sparse._dok.{name}", CLASS._replace(new=VALUE)
    yield "scipy.sparse._coo.coo_matrix", Entry(NAME, OBJECT, new=0, form="dict", state=NUMBERS)
    piecewise = Entry(NAME, OBJECT, new=0, form="slots", state=NUMBERS | NAME, slots=_PIECEWISE)
    names = "Akima1DInterpolator CubicHermiteSpline CubicSpline PchipInterpolator"
    yield from rows(piecewise, "scipy.interpolate._cubic", names)
    yield from rows(piecewise, "scipy.interpolate._interpolate", "BPoly PPoly")
    pointwise = Entry(NAME, OBJECT, new=0, form="slots", state=ANY, slots=_POINTWISE)
    yield from rows(pointwise, "scipy.interpolate._interpolate", "interp1d")
    yield from rows(pointwise, "scipy.interpolate._polyint", "BarycentricInterpolator KroghInterpolator")
    result = Entry(NAME, OBJECT, new=0, items=ANY)
    for name in ("integrate._bvp.BVPResult", "integrate._ivp.ivp.OdeResult", "optimize._optimize.OptimizeResult",
                 "optimize.optimize.OptimizeResult", "optimize._zeros_py.RootResults"):
        yield f"scipy.{name}", result


def _sklearn() -> Iterator[tuple[str, Entry]]:
    yield "sklearn.utils._bunch.Bunch", Entry(NAME, OBJECT, new=0, items=ANY, form="dict", state=0)
    yield "sklearn.utils.Bunch", Entry(NAME, OBJECT, new=0, items=ANY, form="dict", state=0)
    yield "sklearn.frozen._frozen.FrozenEstimator", CLASS
    yield "sklearn.utils._metadata_requests.MetadataRequest", CLASS
    filled = Entry(NAME, OBJECT, new=0, form="dict", state=NUMBERS)
    yield "sklearn.isotonic.IsotonicRegression", filled
    yield "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", filled
    yield "sklearn.tree._tree.Tree", Entry(result=ARRAY, call=NUMBERS, form="dict", state=NUMBERS)
    yield "sklearn.neighbors._quad_tree._QuadTree", Entry(result=ARRAY, call=NUMBERS, form="dict", state=NUMBERS)
    loss = "sklearn._loss._loss"
    for name in (*_LOSSES.split(), *_LOSSES_OF_A_NUMBER.split(), "HalfMultinomialLoss"):
        yield f"{loss}.Cy{name}", Entry(MADE_TYPE, VALUE, call=VALUE)
        yield f"{loss}.__pyx_unpickle_Cy{name}", Entry(result=VALUE, call=MADE_TYPE | VALUE)
    yield from rows(Entry(result=VALUE, call=VALUE), "sklearn.linear_model._sgd_fast", _GRADIENT_LOSSES)
    yield from _neighbors()


def _neighbors() -> Iterator[tuple[str, Entry]]:
    """Yield the classes with a `newObj` of their module, which instantiates its argument without a call."""
    compiled = Entry(MADE_TYPE, ARRAY, form="tuple", state=NUMBERS)
    made = Entry(result=ARRAY, call=MADE_TYPE, form="tuple", state=NUMBERS)
    for module, names in (("_kd_tree", "KDTree KDTree32 KDTree64"), ("_ball_tree", "BallTree BallTree32 BallTree64")):
        yield from rows(compiled, f"sklearn.neighbors.{module}", names)
        yield f"sklearn.neighbors.{module}.newObj", made
    distances = [f"{name}Distance{bits}" for name in _DISTANCES.split() for bits in ("", "32", "64")]
    for module in ("sklearn.metrics._dist_metrics", "sklearn.neighbors._dist_metrics"):
        yield from rows(compiled, module, " ".join(distances))
        yield f"{module}.newObj", made


# pandas: since 3 many classes name `pandas` as their module.

_TABLES = {"frame": "DataFrame", "series": "Series"}
_INDEXES = {
    "base": "Index", "category": "CategoricalIndex", "datetimes": "DatetimeIndex", "interval": "IntervalIndex",
    "multi": "MultiIndex", "numeric": "Float64Index Int64Index UInt64Index", "period": "PeriodIndex",
    "range": "RangeIndex", "timedeltas": "TimedeltaIndex",
}
_ARRAYS = {
    "arrow.array": "ArrowExtensionArray", "boolean": "BooleanArray", "categorical": "Categorical",
    "datetimes": "DatetimeArray", "floating": "FloatingArray", "integer": "IntegerArray", "interval": "IntervalArray",
    "numpy_": "NumpyExtensionArray PandasArray", "period": "PeriodArray", "sparse.array": "SparseArray",
    "string_": "StringArray", "string_arrow": "ArrowStringArray", "timedeltas": "TimedeltaArray",
}
_DTYPES = {
    "arrays.boolean": "BooleanDtype", "arrays.floating": "Float32Dtype Float64Dtype",
    "arrays.integer": "Int8Dtype Int16Dtype Int32Dtype Int64Dtype UInt8Dtype UInt16Dtype UInt32Dtype UInt64Dtype",
    "arrays.sparse.dtype": "SparseDtype", "arrays.string_": "StringDtype",
    "dtypes.dtypes": (
        "ArrowDtype CategoricalDtype DatetimeTZDtype IntervalDtype NumpyEADtype PandasDtype PeriodDtype SparseDtype"
    ),
}
_OFFSETS = (
    "BusinessDay BusinessHour BusinessMonthBegin BusinessMonthEnd BHalfYearBegin BHalfYearEnd BQuarterBegin "
    "BQuarterEnd BYearBegin BYearEnd CustomBusinessDay CustomBusinessHour CustomBusinessMonthBegin "
    "CustomBusinessMonthEnd DateOffset Day Easter FY5253 FY5253Quarter HalfYearBegin HalfYearEnd Hour LastWeekOfMonth "
    "Micro Milli Minute MonthBegin MonthEnd Nano QuarterBegin QuarterEnd Second SemiMonthBegin SemiMonthEnd Week "
    "WeekOfMonth YearBegin YearEnd"
)


def _pandas() -> Iterator[tuple[str, Entry]]:
    called = Entry(MADE_TYPE, TABLE, call=TABLES, new=TABLES, form="tuple", state=TABLES)
    filled = called._replace(call=None)
    for entry, public, folder, modules in (
        (filled, "pandas", "", _TABLES), (filled, "pandas", "indexes.", _INDEXES), (called, "pandas", "", _DTYPES),
        (filled, "pandas.arrays", "arrays.", _ARRAYS),
    ):
        for module, names in modules.items():
            yield from rows(entry, public, names)
            yield from rows(entry, f"pandas.core.{folder}{module}", names)
    yield "pandas.Categorical", filled
    yield from rows(called, "pandas.core.internals.managers", "BlockManager SingleBlockManager")
    made = Entry(result=TABLE, call=TABLES, form="tuple", state=TABLES)
    for module, name in (("base", "Index"), ("datetimes", "DatetimeIndex"), ("interval", "IntervalIndex"),
                         ("period", "PeriodIndex"), ("timedeltas", "TimedeltaIndex")):
        yield f"pandas.core.indexes.{module}._new_{name}", made
    yield "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked", made
    yield "pandas._libs.internals._unpickle_block", made
    yield from rows(Entry(result=TABLE, call=TABLES), "pandas._libs.sparse", "BlockIndex IntIndex")
    yield from rows(Entry(result=TABLE, call=TABLES), "pyarrow.lib", "_restore_array py_buffer type_for_alias")
    yield from _scalars()


def _scalars() -> Iterator[tuple[str, Entry]]:
    value = Entry(TYPE, VALUE, call=VALUE)
    yield from rows(value, "pandas", "Interval Period Timedelta Timestamp")
    yield "pandas._libs.interval.Interval", value
    yield "pandas._libs.tslibs.period.Period", value
    yield from rows(value, "pandas._libs.tslibs.nattype", "__nat_unpickle _nat_unpickle")
    yield "pandas._libs.tslibs.timedeltas._timedelta_unpickle", value
    yield "pandas._libs.tslibs.timestamps._unpickle_timestamp", value
    for name in ("pandas.NA", "pandas._libs.missing.NA"):
        yield name, Entry(VALUE)
    offset = Entry(TYPE, VALUE, call=VALUE, new=0, form="dict", state=VALUE)
    yield from rows(offset, "pandas._libs.tslibs.offsets", _OFFSETS)
    yield "pandas.DateOffset", offset


# Boosted trees: their `__setstate__` hands the bytes of the model to compiled code.


def _boosting() -> Iterator[tuple[str, Entry]]:
    booster = Entry(NAME, OBJECT, new=0, form="dict", state=NUMBERS | CONTAINER | TYPE)
    yield "xgboost.core.Booster", booster
    yield "lightgbm.basic.Booster", booster
    yield from rows(booster, "catboost.core", "CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor")
