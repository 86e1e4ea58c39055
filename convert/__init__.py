"""From checkpoint to ONNX, simplified, then compiled for one chip and batch size."""
