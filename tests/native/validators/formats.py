"""Formats that have many readers: YAML, JSON, Markdown, each read by a parser that is not kbgen's."""

import json
import re
import xml.etree.ElementTree as ElementTree

import yaml

from validator import Validator, each, run, said


class StrictLoader(yaml.SafeLoader):
    """PyYAML takes the last of two equal keys without a word."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {name!r} twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


class Yaml(Validator):
    name = "yaml"

    def accepts(self, artifact):
        return artifact.name.endswith((".yml", ".yaml"))

    def failures(self, tree, artifacts):
        def judge(artifact):
            try:
                documents = list(yaml.load_all(artifact.bytes, StrictLoader))
            except yaml.YAMLError as error:
                return str(error)
            return "" if documents and all(d is not None for d in documents) else "holds no document"

        return each(artifacts, judge)


class Json(Validator):
    name = "json"

    def accepts(self, artifact):
        return artifact.name.endswith(".json")

    def failures(self, tree, artifacts):
        def once(pairs):
            names = [name for name, _ in pairs]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"key {name!r} twice")
            return dict(pairs)

        def judge(artifact):
            try:
                json.loads(artifact.bytes, object_pairs_hook=once, parse_constant=self.refuse)
            except ValueError as error:
                return str(error)

        return each(artifacts, judge)

    @staticmethod
    def refuse(constant):
        raise ValueError(f"{constant} is not JSON")


class Markdown(Validator):
    """Everything is Markdown; what can be wrong is that a value became markup, a row lost a cell, or
    a link leads nowhere."""

    name = "markdown"
    programs = {"cmark": "cmark"}

    def accepts(self, artifact):
        return artifact.name.endswith(".md")

    def key(self, artifact):
        return artifact.path  # links are relative

    def failures(self, tree, artifacts):
        def judge(artifact):
            result = run("cmark", "-t", "xml", artifact.file)
            if result.returncode != 0 or result.stderr:
                return said(result)
            document = ElementTree.fromstring(result.stdout)
            names = [element.tag.rsplit("}", 1)[-1] for element in document.iter()]
            if any(name in ("html_block", "html_inline") for name in names):
                return "holds raw HTML"
            return self.broken_link(tree, artifact, document) or self.ragged_table(artifact)

        return each(artifacts, judge)

    @staticmethod
    def broken_link(tree, artifact, document):
        for element in document.iter():
            target = element.get("destination", "") if element.tag.endswith("link") else ""
            target = target.split("#")[0]
            if target and not re.match(r"[a-z]+:", target) and not (artifact.file.parent / target).exists():
                return f"links to {target}, which is not there"
        return ""

    @staticmethod
    def ragged_table(artifact):
        cells, fenced = 0, False
        for number, line in enumerate(artifact.text.splitlines(), 1):
            if line.startswith("```"):
                fenced = not fenced
            if fenced or not line.startswith("|"):
                cells = 0
                continue
            count = len(re.findall(r"(?<!\\)\|", line))
            if cells and count != cells:
                return f"line {number}: {count - 1} cells in a table of {cells - 1} columns"
            cells = count
        return ""
