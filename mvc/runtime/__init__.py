"""Models that are run: loaded safely, whatever their format.

ONNX Runtime 1.29 and later sends names and digests of models to its makers, unless it is told not to before its import:
https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
