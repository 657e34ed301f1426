"""Jinja2 as a peer: render.py JOB FOLDER. JOB is what peers.py writes."""
import json
import os
import sys

import jinja2


def main(job, folder):
    with open(job, encoding="utf-8") as file:
        job = json.load(file)
    env = jinja2.Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    templates = {name: env.from_string(texts["jinja2"]) for name, texts in job["templates"].items()}
    shared = job["shared"]
    for item in job["files"]:
        text = templates[item["template"]].render(shared[item["service"]] | item["values"])
        path = os.path.join(folder, item["path"])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


main(*sys.argv[1:])
