"""The two compiled parts. They are optional: without a compiler all works, and pictures are prepared more
slowly.
"""

from setuptools import Extension, setup

OPTIONS = {"extra_compile_args": ["-O3"], "optional": True}
setup(
    ext_modules=[
        Extension("preprocess.pixels._resample", ["preprocess/pixels/resample.c"], **OPTIONS),
        Extension(
            "preprocess.pixels._jpeg",
            ["preprocess/pixels/jpeg.c"],
            depends=["preprocess/pixels/jpeg62.h"],
            libraries=["dl"],
            **OPTIONS,
        ),
    ]
)
