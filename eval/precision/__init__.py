"""What a precision brings and costs: what was executed, the loss against float32, the size of the model."""
