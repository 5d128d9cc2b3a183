"""From a vector to an action: the ONNX session, the reasons, the policy."""
