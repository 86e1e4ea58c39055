"""Look at a data set: files that are odd, mistakes that explain an accuracy, images as the network sees
them.
"""
