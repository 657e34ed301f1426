#!/usr/bin/env python3
"""Reads a SARIF log from stdin and checks it against the schema of OASIS.

Exit status: 0 valid, 1 not valid (each reason on stderr), 77 when python3-jsonschema is missing.
"""
import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(77)

schema_file = pathlib.Path(__file__).parent / "data" / "sarif-schema-2.1.0.json"
schema = json.loads(schema_file.read_text(encoding="utf-8"))
log = json.loads(sys.stdin.buffer.read().decode("utf-8"))
errors = list(jsonschema.Draft7Validator(schema).iter_errors(log))
for error in errors:
    print("/".join(map(str, error.absolute_path)), error.message, file=sys.stderr)
sys.exit(1 if errors else 0)
