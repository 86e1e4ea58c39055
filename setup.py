"""The one compiled part. It is optional: without a compiler all works, and pictures are resized more slowly."""

from setuptools import Extension, setup

setup(ext_modules=[Extension("preprocess._resample", ["preprocess/resample.c"], extra_compile_args=["-O3"], optional=True)])
