"""What a probe and the format of its observations are made with; the sandbox sees this folder."""
