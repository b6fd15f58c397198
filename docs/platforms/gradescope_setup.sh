#!/usr/bin/env bash
# setup.sh of a Gradescope autograder: runs once, when its image is built.
set -euo pipefail
apt-get update
apt-get install --yes --no-install-recommends bubblewrap make python3-venv
cd /autograder/source/course
make data
