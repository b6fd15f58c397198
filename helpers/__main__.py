"""Finds or fetches the data, once for every notebook, and says where: `python -m helpers`."""

import sys

from .data import DataError, find_data

if __name__ == "__main__":
    try:
        print(find_data())
    except DataError as error:
        sys.exit(f"Error: {error}")
