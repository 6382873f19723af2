"""Write a test run of deepeval, with metrics that need no model: `python deepeval_run.py`, in an empty folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from deepeval import evaluate
from deepeval.evaluate import ErrorConfig
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase


class Length(BaseMetric):
    """A tenth for each character."""

    _required_params = ()
    threshold = 0.5
    async_mode = False
    name = "Length"

    def score_of(self, case: LLMTestCase) -> float:
        """Return the score of an answer."""
        return min(1.0, len(case.actual_output) / 10)

    def measure(self, case: LLMTestCase, *_: object, **__: object) -> float:
        self.score = self.score_of(case)
        self.success = self.score >= self.threshold
        return self.score

    async def a_measure(self, case: LLMTestCase, *_: object, **__: object) -> float:
        return self.measure(case)

    def is_successful(self) -> bool:
        return self.success

    @property
    def __name__(self) -> str:
        return self.name


class Same(Length):
    """Whether an answer is the expected one; an error without one."""

    name = "Same [GEval]"

    def score_of(self, case: LLMTestCase) -> float:
        if case.expected_output is None:
            raise ValueError("no expected output")
        return float(case.actual_output == case.expected_output)


CASES = [
    LLMTestCase(name=f"case {n}", input=str(n), actual_output="x" * n, expected_output="x" * 6 if n < 7 else None)
    for n in range(2, 8)
]
evaluate(
    CASES, [Length(), Same()], hyperparameters={"temperature": 0.5, "prompt": "v2"}, identifier="nightly",
    error_config=ErrorConfig(ignore_errors=True),
)
shutil.move(".deepeval/.latest_test_run.json", "deepeval-latest.json")
shutil.move(next(Path("results").glob("test_run_*.json")), "deepeval.json")
