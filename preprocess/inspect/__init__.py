"""Look at a data set: files that are odd, mistakes that explain an accuracy, pictures as the network sees
them.
"""
