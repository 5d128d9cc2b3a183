"""From a vector to an action: the ONNX session, the reasons, the policy."""

import os

# When it is loaded, onnxruntime writes an id of this machine into the home and sends its maker events about models,
# unless this was set before. Decisions of a bank are nobody else's business; who wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
