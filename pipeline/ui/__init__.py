"""What a person sees: progress, the plan in words and as a picture, the doctor's lines."""
