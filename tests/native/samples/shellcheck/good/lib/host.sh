# shellcheck shell=bash
log() { printf '%s\n' "$*"; }
