"""Models in other formats: `convert`; and where `eval predict` reads and writes."""

from __future__ import annotations

import pickle

from harness import Repo
from hints.state import state


def _network(repo: Repo) -> None:
    """Track a network with its rows."""
    import skl2onnx.operator_converters  # noqa: F401 - the tests watch each line of what is imported later
    from runtime.written import NAMES, data
    from sklearn.neural_network import MLPClassifier

    rows, truth = data(2)
    model = MLPClassifier((32,), max_iter=300, tol=1e-3, random_state=1).fit(rows, truth)
    repo.path("n.pkl").write_bytes(pickle.dumps(model))
    lines = (",".join(map(str, row)) for row in [NAMES, *rows])
    repo.write("rows.csv", "\n".join(lines) + "\n")
    repo.ok("add", "n.pkl")


CONVERT = "mvc convert n.pkl n.onnx --to onnx --data rows.csv"

STATES = [
    state("convert_to_no_format", _network, "mvc convert n.pkl n.onnx", SRC="n.pkl", OUT="n", SAMPLE="rows"),
    state("convert_to_a_file_of_another_name", _network, CONVERT.replace("n.onnx", "n.model")),
    state("convert_without_a_sample", _network, "mvc convert n.pkl n.onnx --to onnx", SAMPLE="rows"),
    state("convert_over_a_change", _network, CONVERT, "rm n.onnx", "echo mine > n.onnx", CONVERT),
    state("convert_over_a_file_that_is_not_tracked", _network, "echo mine > n.onnx", CONVERT),
    state("convert_into_no_folder", _network, CONVERT.replace("n.onnx", "far/n.onnx")),
    state("convert_beyond_the_limits", _network, f"{CONVERT} --rtol 0 --atol 1e-9"),
    state(
        "convert_what_runs_code", _network, "printf 'cos\\ngetcwd\\n(tR.' > c.pkl", "mvc add c.pkl",
        CONVERT.replace("n.pkl", "c.pkl"), ends=2, reason="what it unpickles has no method predict",
    ),
    state(
        "predict_of_no_rows", _network, "mvc eval predict n.pkl nothing.csv -o q.csv",
        MODEL="n.pkl", DATA="rows.csv", FILE="q",
    ),
]
