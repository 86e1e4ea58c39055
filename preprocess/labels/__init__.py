"""What a label file says, and which of its lines is which picture's. Plan time: the standard library only."""
