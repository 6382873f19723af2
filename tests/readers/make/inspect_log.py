"""Write logs of Inspect with a model that needs no network: `python inspect_log.py`, in an empty folder."""

from __future__ import annotations

import shutil

from inspect_ai import Epochs, Task, task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, GenerateConfig, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import accuracy, grouped, includes, match, std, stderr
from inspect_ai.solver import generate

SAMPLES = [
    Sample(id=n, input=f"{n} + 1", target=str(n + 1), metadata={"parity": "odd" if n % 2 else "even"})
    for n in range(1, 13)
]


@task
def addition() -> Task:
    """Return a task with two scorers, and slices of each."""
    return Task(
        dataset=MemoryDataset(SAMPLES, name="sums", location="sums.json"), solver=generate(),
        scorer=[match(location="end"), includes()],
        metrics=[accuracy(), stderr(), std(), grouped(accuracy(), "parity"), grouped(stderr(), "parity")],
    )


def answer(messages: list[ChatMessage], *_: object) -> ModelOutput:
    """Return a sum that is right up to seven."""
    first = int(messages[-1].text.split()[0])
    output = ModelOutput.from_content("tiny", str(first + 1) if first < 8 else "no idea")
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return output


for name, options in (
    ("inspect.eval", {"limit": 10}),
    ("inspect.json", {"log_samples": False}),
    ("inspect-epochs.json", {"log_samples": False, "epochs": Epochs(2, ["mean", "max"]), "limit": 4}),
):
    model = get_model("mockllm/tiny", custom_outputs=answer, config=GenerateConfig(temperature=0.5))
    form = name.rpartition(".")[2]
    (log,) = evaluate(addition(), model=model, log_dir="logs", log_format=form, display="none", **options)
    shutil.move(log.location.removeprefix("file://"), name)
