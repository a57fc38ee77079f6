"""The compiled parts; all else is in setup.cfg. Without a C compiler they are left out, and slower ways are taken."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            name,
            [name.replace(".", "/") + ".c"],
            extra_compile_args=["-O3", "-ffp-contract=off"],  # the same bits on machines that could fuse a * b + c
            py_limited_api=True,
            depends=["agecli/engines/runtime/_steps.h"],
            optional=True,
        )
        for name in (
            "agecli.models._forest",
            "agecli.engines._pages",
            "agecli.engines._texts",
            "agecli.engines.runtime._scan",
            "agecli.engines.runtime._members",
            "agecli.engines.runtime._rows",
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
