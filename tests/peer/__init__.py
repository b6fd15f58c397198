"""nbgrader's own tests of its commands, run under this course's settings: `make test-peer`."""
