"""OUT as a folder: what builds left there, what may go, what rotted, what two of them differ in."""
