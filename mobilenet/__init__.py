"""The network, its checkpoint reader, its own answers as the reference, and the sample's training."""
