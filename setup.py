"""The compiled part; all else is in setup.cfg. Without a C compiler it is left out, and XGBoost does its work."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "agecli.models._forest",
            ["agecli/models/_forest.c"],
            extra_compile_args=["-O3"],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
