#!/usr/bin/env python3
"""Applies over real SSH: from nothing, once more, a changed file, a failed step, parts of an estate."""

import sys

from estate import ROOT, TREE, Failed, main


def test(estate):
    done = estate.kbgen("apply", "-o", TREE)
    print(done.stdout)


sys.exit(main(test))
