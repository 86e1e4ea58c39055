"""The one compiled part: optional, so that an installation without a compiler is an installation, only slower at resizing pictures."""

from setuptools import Extension, setup

setup(ext_modules=[Extension("preprocess._resample", ["preprocess/resample.c"], extra_compile_args=["-O3"], optional=True)])
