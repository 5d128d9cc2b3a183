"""What a score's last bits depend on besides the model: a value that can be read without loading the runtime."""

import msgspec


class Runtime(msgspec.Struct, frozen=True):
    """What else than the model decides the last bits of a score."""

    onnxruntime: str
    machine: str
    cpu: str  # digest of the processor's features

    def __str__(self) -> str:
        return f"onnxruntime {self.onnxruntime} on {self.machine} (processor {self.cpu[:8]})"
