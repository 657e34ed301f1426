#!/usr/bin/env bash
file=$1
rm -rf $file
