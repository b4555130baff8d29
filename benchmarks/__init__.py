"""How fast is it? Measured beside the package, not installed with it.

    python -m benchmarks                      every benchmark with its default settings
    python -m benchmarks photographs wgan     only these
    python -m benchmarks.photographs --help   one of them, with its options

Adding one: put a file here whose first docstring line says what it measures and which ends in
`if __name__ == "__main__": main()`. It starts with `print(machine())` from `benchmarks.support`.
"""
