"""What eval judges: accuracy, agreement with PyTorch, the loss against float32, other tools' results."""
