"""Reads each .yaml file of a folder with PyYAML and compares it with the .json beside it."""

import json
import pathlib
import sys

import yaml


def is_same(left, right):
    """Equal in value, kind, order of keys, and sign of zero."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        keys = list(left) == list(right)
        return keys and all(is_same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    return repr(left) == repr(right)


def check(loader, path):
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    try:
        # Bytes: nothing may translate line ends on the way.
        found = list(yaml.load_all(path.read_bytes(), loader))
    except (yaml.YAMLError, ValueError) as error:
        return f"is refused: {error}"
    return None if is_same(found, expected) else "reads differently"


def main():
    loaders = [yaml.SafeLoader]
    if hasattr(yaml, "CSafeLoader"):
        loaders.append(yaml.CSafeLoader)
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*.yaml"))
    bad = 0
    for loader in loaders:
        for path in paths:
            flaw = check(loader, path)
            if flaw:
                bad += 1
                print(f"{loader.__name__}: {path.name} {flaw}")
    names = ", ".join(loader.__name__ for loader in loaders)
    print(f"readers: PyYAML {yaml.__version__} ({names}): {len(paths)} files, {bad} differ")
    return 1 if bad else 0


sys.exit(main())
