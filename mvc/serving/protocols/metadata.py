"""What a server tells about itself and its models, in the words of the Open Inference Protocol."""

from __future__ import annotations

from typing import Any

from mvc._version import __version__
from mvc.serving.loaded import Loaded
from mvc.serving.tensor_model import OnnxTensors, Spec


def server_metadata() -> dict[str, Any]:
    """Return the metadata of the server."""
    return {"name": "mvc", "version": __version__, "extensions": ["binary_tensor_data"]}


def model_metadata(loaded: Loaded) -> dict[str, Any]:
    """Return the metadata of a model."""
    model = loaded.model
    return {
        "name": loaded.address,
        "versions": [loaded.identity.version],
        "platform": "onnxruntime_onnx" if isinstance(model, OnnxTensors) else "mvc",
        "inputs": [*map(_tensor, model.inputs)],
        "outputs": [*map(_tensor, model.outputs)],
    }


def _tensor(spec: Spec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": [*spec.shape]}
