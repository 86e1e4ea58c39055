"""The two compiled parts. They are optional: without a compiler all works, and pictures are prepared more
slowly.
"""

from setuptools import Extension, setup

OPTIONS = {"extra_compile_args": ["-O3"], "optional": True}
setup(
    ext_modules=[
        Extension("preprocess._resample", ["preprocess/resample.c"], **OPTIONS),
        Extension(
            "preprocess._jpeg",
            ["preprocess/jpeg.c"],
            depends=["preprocess/jpeg62.h"],
            libraries=["dl"],
            **OPTIONS,
        ),
    ]
)
