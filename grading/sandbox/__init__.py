"""The sandbox that shuts student code in: its host side."""
