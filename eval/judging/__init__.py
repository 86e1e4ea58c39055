"""What an accuracy is made of: each class, how far probabilities can be trusted, other people's labels."""
