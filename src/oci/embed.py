#!/usr/bin/env python3
"""embed.py FILE OUT NAME: the bytes of FILE as a C array NAME and its size NAME_size."""
import sys

source, out, name = sys.argv[1:]
data = open(source, "rb").read()
with open(out, "w") as f:
    f.write(f"extern const unsigned char {name}[];\nextern const unsigned {name}_size;\n")
    f.write(f"const unsigned char {name}[] = {{ {','.join(map(str, data))} }};\nconst unsigned {name}_size = {len(data)};\n")
