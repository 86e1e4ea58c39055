"""What saved runs measured, beside each other and in their order: `inv report --history`."""
