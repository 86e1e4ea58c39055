"""From a picture's bytes to the pixels that a network sees: decoded, resized, cropped, normalised."""
